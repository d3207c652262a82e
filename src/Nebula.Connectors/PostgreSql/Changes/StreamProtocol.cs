using Nebula.Connectors.PostgreSql.Types;

namespace Nebula.Connectors.PostgreSql.Changes;

/// <summary>What pgoutput is asked for. Manual, "Logical Streaming Replication Protocol".</summary>
internal static class StreamProtocol
{
    private const int FirstServerWithStreaming = 14;
    private const int FirstServerWithBinary = 14;

    /// <summary>Version of the protocol without parts of transactions that have not ended.</summary>
    public const string CommittedOnly = "1";

    /// <summary>Whether a server sends values in binary form.</summary>
    /// <param name="server">Major version of the server.</param>
    public static bool HasBinary(int server) => server >= FirstServerWithBinary;

    /// <summary>The highest version of the protocol that a server speaks.</summary>
    /// <param name="server">Major version of the server.</param>
    public static int VersionOf(int server) => server switch { < FirstServerWithStreaming => 1, 14 => 2, 15 => 3, _ => 4 };

    /// <summary>
    /// Settings of a log that is followed: of large transactions the server hands over what it has decoded as soon as that is more than
    /// <c>logical_decoding_work_mem</c>. Transactions that are prepared for two phases come when they are committed.
    /// </summary>
    /// <param name="server">Major version of the server.</param>
    /// <param name="options">The publication, and whether there is a spool.</param>
    /// <param name="isBinary">Whether values are wanted in binary form.</param>
    public static string Settings(int server, CaptureOptions options, bool isBinary) =>
        (server < FirstServerWithStreaming || options.SpoolLimit == 0 ? Settings(options)
            : FormattableString.Invariant($"proto_version '{VersionOf(server)}', {PublicationOf(options)}, streaming 'on'"))
            + (isBinary ? ", binary 'true'" : "");

    /// <summary>Settings that every server takes.</summary>
    /// <param name="options">The publication.</param>
    public static string Settings(CaptureOptions options) => $"proto_version '{CommittedOnly}', {PublicationOf(options)}";

    // a backslash is one in this language
    private static string PublicationOf(CaptureOptions options) =>
        $"publication_names '{SqlName.Quote(options.Publication).Replace("'", "''", StringComparison.Ordinal)}'";
}
