using Nebula.Connectors.PostgreSql.Connection;
using Nebula.Engine.Connectors;

namespace Nebula.Connectors.PostgreSql.Changes;

/// <summary>
/// Reads a log in binary form where its columns allow that, and as text from the first value on that cannot be read so: one of a type that a column had
/// earlier, or one that no column can hold, of which the text is then told.
/// </summary>
internal sealed class BinaryFirstReader : IChangeReader
{
    private readonly PostgreSqlConnections _connections;
    private readonly ChangeContext _context;

    // a place is acknowledged while the next window is read
    private readonly SemaphoreSlim _turn = new(1);
    private IReadOnlyList<CapturedStream> _streams;
    private ChangeReader? _reader;
    private bool _isText;

    private BinaryFirstReader(PostgreSqlConnections connections, IReadOnlyList<CapturedStream> streams, ChangeContext context, ChangeReader reader) =>
        (_connections, _streams, _context, _reader) = (connections, streams, context, reader);

    /// <summary>Opens the log.</summary>
    /// <param name="connections">Lends connections.</param>
    /// <param name="streams">The streams.</param>
    /// <param name="context">What the run lends the reader.</param>
    /// <param name="cancellationToken">Stops the opening.</param>
    public static async Task<BinaryFirstReader> OpenAsync(
        PostgreSqlConnections connections, IReadOnlyList<CapturedStream> streams, ChangeContext context, CancellationToken cancellationToken) =>
        new(connections, streams, context,
            await ChangeReader.OpenAsync(connections, streams, context, asText: false, cancellationToken).ConfigureAwait(false));

    private ChangeReader Reader => _reader ?? throw new ObjectDisposedException(nameof(BinaryFirstReader));

    public async Task<ChangeWindow?> ReadAsync(CancellationToken cancellationToken)
    {
        ChangeWindow? window;
        try
        {
            window = await Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (TextNeededException) when (!_isText)
        {
            await GoOnAsTextAsync(cancellationToken).ConfigureAwait(false);
            window = await Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        }
        if (window is not null)
            _streams = [.. _streams.Select(stream => stream with { From = stream.From with { Position = window.Position } })];
        return window;
    }

    public async Task AcknowledgeAsync(string position, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await Reader.AcknowledgeAsync(position, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    public Task<LogRetention?> FindRetentionAsync(CancellationToken cancellationToken) => Reader.FindRetentionAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await CloseAsync().ConfigureAwait(false);
        _turn.Dispose();
    }

    private async ValueTask CloseAsync()
    {
        if (Interlocked.Exchange(ref _reader, null) is { } reader)
            await reader.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Opens the log once more behind what was handed over.</summary>
    private async Task GoOnAsTextAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // the slot has one reader at a time
            await CloseAsync().ConfigureAwait(false);
            _reader = await ChangeReader.OpenAsync(_connections, _streams, _context, asText: true, cancellationToken).ConfigureAwait(false);
            _isText = true;
        }
        finally
        {
            _turn.Release();
        }
    }
}
