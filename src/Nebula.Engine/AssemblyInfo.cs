using System.Runtime.CompilerServices;

// Buffers are always written before they are read; clearing locals would cost every hot loop.
[module: SkipLocalsInit]
