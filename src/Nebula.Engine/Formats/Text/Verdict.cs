namespace Nebula.Engine.Formats.Text;

/// <summary>What became of one value. Numbers, so that the verdicts on a column can be joined without a branch.</summary>
internal static class Verdict
{
    /// <summary>It is the same.</summary>
    public const int Kept = 0;

    /// <summary>It was rounded, or its meaning changed.</summary>
    public const int Loses = 1;

    /// <summary>There is no such value.</summary>
    public const int DoesNotFit = 2;

    /// <summary>The verdict on a value that is kept under a condition.</summary>
    public static int KeptIf(bool condition) => condition ? Kept : Loses;
}

/// <summary>Turns one value into another. Total: it also runs on the meaningless bits of null slots, so that the loop has no branch.</summary>
/// <typeparam name="TIn">The value as its column stores it.</typeparam>
/// <typeparam name="TOut">The result as its column stores it.</typeparam>
internal interface IValueMap<TIn, TOut>
{
    /// <summary>Maps a value.</summary>
    /// <param name="value">The value.</param>
    /// <param name="result">The result, rounded where the verdict is <see cref="Verdict.Loses"/>, anything where it does not fit.</param>
    /// <returns>The <see cref="Verdict"/>.</returns>
    int Map(TIn value, out TOut result);
}
