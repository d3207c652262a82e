// Prints what the C++ library of apache/orc reads from a file, value by value and without rounding: floating-point numbers as their bits, timestamps as
// seconds and nanoseconds, decimals as unscaled integers, bytes in hexadecimal. See README.md.
//
// orc-exact FILE        all rows in order; also parses all statistics, which fails loudly when it cannot
// orc-exact FILE STEP   all rows, in pieces of STEP rows from the last to the first, each sought through the row indexes
#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <string>

#include "orc/OrcFile.hh"

using namespace orc;

static std::string text;

static void print(const char* format, auto... values) {
  char buffer[64];
  text.append(buffer, snprintf(buffer, sizeof buffer, format, values...));
}

template <typename Bits, typename Value>
static Bits bitsOf(Value value, Bits notANumber) {
  Bits bits;
  std::memcpy(&bits, &value, sizeof bits);
  return value != value ? notANumber : bits;
}

static void show(const Type& type, ColumnVectorBatch& batch, uint64_t row);

static void showElements(const Type& type, const DataBuffer<int64_t>& offsets, uint64_t row, ColumnVectorBatch* keys, ColumnVectorBatch& values) {
  text += '[';
  for (auto i = offsets[row]; i < offsets[row + 1]; i++) {
    if (i > offsets[row]) text += ',';
    if (keys) {
      show(*type.getSubtype(0), *keys, i);
      text += ':';
    }
    show(*type.getSubtype(keys ? 1 : 0), values, i);
  }
  text += ']';
}

static void show(const Type& type, ColumnVectorBatch& batch, uint64_t row) {
  if (batch.hasNulls && !batch.notNull[row]) {
    text += "null";
    return;
  }
  switch (type.getKind()) {
    case BOOLEAN: case BYTE: case SHORT: case INT: case LONG: case DATE:
      print("%" PRId64, dynamic_cast<LongVectorBatch&>(batch).data[row]);
      break;
    case FLOAT:
      print("f%08x", bitsOf<uint32_t>(static_cast<float>(dynamic_cast<DoubleVectorBatch&>(batch).data[row]), 0x7fc00000u));
      break;
    case DOUBLE:
      print("d%016" PRIx64, bitsOf<uint64_t>(dynamic_cast<DoubleVectorBatch&>(batch).data[row], 0x7ff8000000000000u));
      break;
    case STRING: case BINARY: case VARCHAR: case CHAR: {
      auto& strings = dynamic_cast<StringVectorBatch&>(batch);
      text += 'x';
      for (int64_t i = 0; i < strings.length[row]; i++) print("%02x", static_cast<unsigned>(static_cast<unsigned char>(strings.data[row][i])));
      break;
    }
    case TIMESTAMP: case TIMESTAMP_INSTANT: {
      auto& times = dynamic_cast<TimestampVectorBatch&>(batch);
      print("%" PRId64 ".%09" PRId64, times.data[row], times.nanoseconds[row]);
      break;
    }
    case DECIMAL:
      if (type.getPrecision() <= 18)
        print("%" PRId64, dynamic_cast<Decimal64VectorBatch&>(batch).values[row]);
      else
        text += dynamic_cast<Decimal128VectorBatch&>(batch).values[row].toString();
      break;
    case LIST: {
      auto& list = dynamic_cast<ListVectorBatch&>(batch);
      showElements(type, list.offsets, row, nullptr, *list.elements);
      break;
    }
    case MAP: {
      auto& map = dynamic_cast<MapVectorBatch&>(batch);
      showElements(type, map.offsets, row, map.keys.get(), *map.elements);
      break;
    }
    case STRUCT: {
      auto& fields = dynamic_cast<StructVectorBatch&>(batch).fields;
      text += '{';
      for (size_t i = 0; i < fields.size(); i++) {
        if (i > 0) text += ',';
        show(*type.getSubtype(i), *fields[i], row);
      }
      text += '}';
      break;
    }
    default:
      text += '?';
  }
}

static uint64_t showBatch(RowReader& rows, ColumnVectorBatch& batch, uint64_t most) {
  if (!rows.next(batch)) return 0;
  auto count = std::min(most, batch.numElements);
  for (uint64_t row = 0; row < count; row++) {
    show(rows.getSelectedType(), batch, row);
    text += '\n';
  }
  fwrite(text.data(), 1, text.size(), stdout);
  text.clear();
  return count;
}

int main(int count, char** arguments) {
  auto reader = createReader(readFile(arguments[1]), ReaderOptions());
  RowReaderOptions options;
  options.setTimezoneName("GMT");
  auto rows = reader->createRowReader(options);
  auto all = reader->getNumberOfRows();
  if (count < 3) {
    auto batch = rows->createRowBatch(1000);
    while (showBatch(*rows, *batch, UINT64_MAX) > 0) continue;
    auto statistics = reader->getStatistics();
    for (uint32_t i = 0; i < statistics->getNumberOfColumns(); i++) statistics->getColumnStatistics(i)->toString();
    for (uint64_t i = 0; i < reader->getNumberOfStripes(); i++) reader->getStripeStatistics(i, true);
    return 0;
  }
  auto step = std::stoull(arguments[2]);
  auto batch = rows->createRowBatch(step);
  for (auto piece = (all + step - 1) / step; piece-- > 0;) {
    rows->seekToRow(piece * step);
    for (auto left = std::min<uint64_t>(step, all - piece * step); left > 0;)
      left -= showBatch(*rows, *batch, left);
  }
}
