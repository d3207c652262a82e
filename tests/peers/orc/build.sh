#!/bin/sh
# build.sh ORC ORC_FORMAT OUT: builds OUT/orc-exact from checkouts of apache/orc and apache/orc-format. See README.md.
set -eu
orc=$(cd "$1" && pwd) format=$(cd "$2" && pwd) here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$3/generated/orc" "$3/objects" "$3/src"
cd "$3"

proto="$format/src/main/proto/orc/proto"
protoc -I "$proto" --cpp_out=generated "$proto/orc_proto.proto"
sed -e 's/@ORC_VERSION@/0/' -e 's/#cmakedefine \(ORC_CXX_[A-Z0-9_]*\)/#define \1/' "$orc/c++/include/orc/orc-config.hh.in" >generated/orc/orc-config.hh
sed -e 's/#cmakedefine NEEDS.*//' -e 's/#cmakedefine \(HAS_[A-Z0-9_]*\)/#define \1/' "$orc/c++/src/Adaptor.hh.in" >generated/Adaptor.hh

# Seeking to where no string has to be skipped is an error in some versions of the library.
sed 's/if (totalBytes <= lastBufferLength_) {/if (totalBytes == 0) return numValues; &/' "$orc/c++/src/ColumnReader.cc" >src/ColumnReader.cc

# Optimised, parts of the library break the aliasing rules of the language and give wrong values.
for source in src/ColumnReader.cc "$here/exact.cc" $(find "$orc/c++/src" -name '*.cc' ! -name '*Avx512*' ! -name ColumnReader.cc); do
  object="objects/$(echo "$source" | cksum | tr ' ' -).o"
  [ "$object" -nt "$source" ] || g++ -std=c++20 -O0 -w -Igenerated -I"$orc/c++/include" -I"$orc/c++/src" -c "$source" -o "$object"
done
g++ objects/*.o -o orc-exact -lprotobuf -lsnappy -llz4 -lzstd -lz -lpthread
echo "$(pwd)/orc-exact"
