using System.Diagnostics;
using Nebula.Connectors.PostgreSql.Connection;
using Nebula.Connectors.PostgreSql.Reading;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Changes;

/// <summary>Reads the log of a database in windows, its values in one form.</summary>
internal sealed class ChangeReader : IChangeReader
{
    private const int MessagesPerLook = 256;
    private readonly PostgreSqlConnections _connections;
    private readonly CaptureOptions _options;
    private readonly ChangeContext _context;
    private readonly LogServer _server;
    private readonly IReadOnlyList<ChangedRows> _streams;
    private readonly IMessageFeed _feed;
    private readonly ChangeDecoder _decoder;
    private readonly RelationMapper _mapper;
    private readonly WindowBuilder _builder;
    private readonly StreamedTransactions _transactions;
    private LentConnection? _side;
    private LogPlace _handedOver;
    private long _windowStarted;
    private long _lastWindow = Stopwatch.GetTimestamp();
    private Exception? _failure;
    private bool _isAtEnd;

    private ChangeReader(
        PostgreSqlConnections connections, CaptureOptions options, ChangeContext context, LogServer server, IReadOnlyList<ChangedRows> streams, LogPlace place,
            PassedTransaction passed, bool isSentAgain, bool isBinary, IMessageFeed feed, LentConnection side)
    {
        (_connections, _options, _context, _server, _streams, _feed, _side, _handedOver) = (connections, options, context, server, streams, feed, side, place);
        _decoder = new ChangeDecoder(streams, place, passed, isSentAgain, context.Pool);
        _mapper = new RelationMapper(streams, isBinary);
        _builder = new WindowBuilder(context.Pool, connections.Options.Wire.Limit);
        _transactions = new StreamedTransactions(new TransactionSpool(options.SpoolFolder, options.SpoolLimit), context.Pool);
    }

    private enum Step
    {
        Fetch,
        Map,
        Full,
    }

    /// <summary>Opens the log.</summary>
    /// <param name="connections">Lends connections.</param>
    /// <param name="captured">The streams.</param>
    /// <param name="context">What the run lends the reader.</param>
    /// <param name="asText">Whether values are wanted as text, even where they could be read in binary form.</param>
    /// <param name="cancellationToken">Stops the opening.</param>
    public static async Task<ChangeReader> OpenAsync(
        PostgreSqlConnections connections, IReadOnlyList<CapturedStream> captured, ChangeContext context, bool asText, CancellationToken cancellationToken)
    {
        var options = CaptureOptions.Of(captured[0].Plan);
        var positions = captured.Select(static stream => LogPosition.Parse(stream.From.Position)).ToList();
        // what ends is read with the connection that is opened first, so that the server soon has work
        var reading = context.Follow ? null : await connections.OpenWireAsync(cancellationToken).ConfigureAwait(false);
        var side = reading is null ? await connections.OpenAsync(cancellationToken).ConfigureAwait(false) : null;
        IMessageFeed? feed = null;
        var streams = new List<ChangedRows>();
        try
        {
            var (state, slot) = reading is null ? await FindAsync(side!.Connection, options.Slot, cancellationToken).ConfigureAwait(false)
                : await reading.RunAsync(wire => (LogState.Find(wire), ReplicationSlot.Find(wire, options.Slot)), cancellationToken).ConfigureAwait(false);
            if (state.Fault is { } unreadable)
                throw NebulaException.Configuration(unreadable);
            var starts = captured.Select((stream, i) => positions[i].Of(stream.Plan.Stream.Name)).ToList();
            ChangesLost.RequireReadable(slot, state);
            // a slot that came along keeps the log since before it was forked
            var history = slot is { IsFailover: true } && positions.Exists(position => position.Server.System == state.Server.System
                && position.Server.Timeline != state.Server.Timeline)
                ? await TimelineHistory.FindAsync(connections, state.Server.Timeline, cancellationToken).ConfigureAwait(false) : null;
            for (var i = 0; i < captured.Count; i++)
                ChangesLost.Require(positions[i] with { Start = starts[i] }, state, history);
            var place = starts.Min(static start => start.Place);
            ChangesLost.Require(place, options.Slot, slot);
            // one form for all: what neither side has to print and to parse is half the work of either
            var isBinary = !asText && StreamProtocol.HasBinary(state.Version)
                && captured.All(static stream => TableDetails.Columns(stream.Plan).All(static column => BinaryValues.CanRead(column.Wire)));
            if (reading is not null)
            {
                // for each answer the server reads its log again from where the slot keeps it, so that there are to be few
                var peek = new PeekFeed(connections, reading, options, state, place.Lsn, context.MaxAsked, isBinary, context.Pool);
                feed = peek;
                // a slot that is altered must not be in use
                if (!options.IsFailover || slot!.IsFailover)
                    peek.Ask();
                side = await connections.OpenAsync(cancellationToken).ConfigureAwait(false);
                // a name may lead to another server by now
                ChangesLost.Require(new LogPosition(state.Server, new StreamStart(place)),
                    await LogState.FindAsync(side.Connection, cancellationToken).ConfigureAwait(false));
            }
            var publication = await Publication.FindAsync(side!.Connection, options.Publication, cancellationToken).ConfigureAwait(false);
            for (var i = 0; i < captured.Count; i++)
            {
                var table = await CapturedLog.FindTableAsync(side.Connection, captured[i].Plan, cancellationToken).ConfigureAwait(false);
                if (publication is null || !publication.Tables.ContainsKey(table.Oid) && (table.Kind != 'p' || publication.IsViaRoot))
                    throw ChangesLost.NotPublished(captured[i].Plan.Stream.Name, options.Publication);
                if (publication.FindFault(table, captured[i].Plan.Columns.Select(static column => column.SourceName)) is { } fault)
                    throw NebulaException.Configuration(fault);
                streams.Add(new ChangedRows(i, captured[i].Plan, starts[i], table, context));
            }
            if (options.IsFailover && !slot!.IsFailover)
                await CapturedLog.ShareSlotAsync(connections, options, state, cancellationToken).ConfigureAwait(false);
            // the server begins where the slot is: what it sends of before shows whether the log is the same
            var from = slot!.Confirmed ?? place.Lsn;
            var passed = positions.Select(static position => position.Passed ?? new PassedTransaction(position.Start.Place.Lsn, 0))
                .MaxBy(static passed => passed.Commit);
            var isSentAgain = passed.At != 0 && passed.Commit >= from;
            feed ??= await StreamFeed.StartAsync(connections, options, from, context.Pool, state.Version, isBinary, cancellationToken).ConfigureAwait(false);
            // from here on the slot is held, and cannot be made again by somebody else
            if (context.Follow)
                ChangesLost.Require(place, options.Slot,
                    await ReplicationSlot.FindAsync(side.Connection, options.Slot, cancellationToken).ConfigureAwait(false));
            return new ChangeReader(connections, options, context, state.Server, streams, place, passed, isSentAgain, isBinary, feed, side);
        }
        catch (Exception e)
        {
            if (feed is not null)
                await feed.DisposeAsync().ConfigureAwait(false);
            else
                reading?.Dispose();
            foreach (var stream in streams)
                stream.Dispose();
            if (side is not null)
                await side.DisposeAsync().ConfigureAwait(false);
            if (!cancellationToken.IsCancellationRequested && Translate(connections, options, e) is { } translated)
                throw translated;
            throw;
        }
    }

    /// <summary>Says what an error of the log means.</summary>
    /// <param name="connections">Whose errors they are.</param>
    /// <param name="options">Slot and publication.</param>
    /// <param name="e">The error.</param>
    /// <returns>Null when it is none of PostgreSQL.</returns>
    public static NebulaException? Translate(PostgreSqlConnections connections, CaptureOptions options, Exception e) => e switch
    {
        NebulaException known => known,
        PostgresException { SqlState: PostgresErrorCodes.ObjectInUse } busy => new NebulaException(ErrorKind.Locked,
            $"Replication slot '{options.Slot}' is read by somebody else: {busy.MessageText}. Wait for it to end, or give each pipeline a slot of its own.",
                inner: e),
        PostgresException { SqlState: PostgresErrorCodes.UndefinedObject } gone when gone.MessageText.Contains("slot", StringComparison.Ordinal) =>
            ChangesLost.SlotGone(options.Slot),
        PostgresException { SqlState: PostgresErrorCodes.UndefinedObject } gone => ChangesLost.Lost(
            $"Publication '{options.Publication}' was not there at this place of the log: it was dropped, or made again later ({gone.MessageText}).", e),
        PostgresException { SqlState: PostgresErrorCodes.ObjectNotInPrerequisiteState } lost =>
            ChangesLost.Lost($"Replication slot '{options.Slot}' cannot be read: {lost.MessageText}.", e),
        PostgresException { SqlState: PostgresErrorCodes.UndefinedFile } removed => ChangesLost.Lost($"A part of the log is gone: {removed.MessageText}.", e),
        _ => connections.Errors.Translate(e, "The log cannot be read"),
    };

    public async Task<ChangeWindow?> ReadAsync(CancellationToken cancellationToken)
    {
        if (_failure is { } failure)
            throw failure;
        var isClosing = false;
        var fetched = _isAtEnd ? Fetched.End : Fetched.Nothing;
        try
        {
            while (true)
            {
                switch (Drain(out var relation))
                {
                    case Step.Full:
                        isClosing = true;
                        return await CloseAsync(cancellationToken, isFull: !_context.Follow).ConfigureAwait(false);
                    case Step.Map:
                        _decoder.Map(relation!.Oid,
                            await _mapper.MapAsync(relation, () => SideAsync(cancellationToken), cancellationToken).ConfigureAwait(false));
                        continue;
                }
                isClosing = fetched is Fetched.Pause or Fetched.End ? _decoder.Place > _handedOver : _context.Follow && IsDue();
                if (isClosing)
                    return await CloseAsync(cancellationToken, isAwaited: fetched == Fetched.Pause).ConfigureAwait(false);
                if (_isAtEnd)
                    return null;
                fetched = await _feed.FetchAsync(Patience(), cancellationToken).ConfigureAwait(false);
                _isAtEnd = fetched == Fetched.End;
                if (fetched != Fetched.Messages && !_decoder.IsInTransaction)
                    _decoder.Advance(_feed.ReadUpTo);
            }
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested && Translate(_connections, _options, e) is { } translated)
        {
            _failure = translated;
            if (isClosing || _decoder.IsOverwritten
                || e is not (SchemaChangedException or DataFormatException or NebulaException { Kind: ErrorKind.PositionLost }))
                throw translated;
            // the log does not go on here, and what came before is handed over first
            _decoder.Rewind();
            return _streams.Any(static stream => stream.Length > 0) ? await CloseAsync(cancellationToken).ConfigureAwait(false) : throw translated;
        }
    }

    public async Task AcknowledgeAsync(string position, CancellationToken cancellationToken)
    {
        try
        {
            await _feed.AcknowledgeAsync(LogPosition.Parse(position).Start.Place.Lsn, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested && Translate(_connections, _options, e) is { } translated)
        {
            throw translated;
        }
    }

    public async Task<LogRetention?> FindRetentionAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await SlotRetention.FindAsync(
                await SideAsync(cancellationToken).ConfigureAwait(false), _options.Slot, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested && Translate(_connections, _options, e) is { } translated)
        {
            throw translated;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _feed.DisposeAsync().ConfigureAwait(false);
        if (Interlocked.Exchange(ref _side, null) is { } side)
            await side.DisposeAsync().ConfigureAwait(false);
        foreach (var stream in _streams)
            stream.Dispose();
        _decoder.Dispose();
        _transactions.Dispose();
    }

    private static async Task<(LogState State, ReplicationSlot? Slot)> FindAsync(NpgsqlConnection connection, string slot, CancellationToken cancellationToken) =>
        (await LogState.FindAsync(connection, cancellationToken).ConfigureAwait(false),
            await ReplicationSlot.FindAsync(connection, slot, cancellationToken).ConfigureAwait(false));

    /// <summary>Decodes what was fetched, until there is no more, the window is full, or a table is described.</summary>
    private Step Drain(out PublishedRelation? relation)
    {
        var step = Decode(out relation);
        Flush();
        return step;
    }

    private void Flush()
    {
        foreach (var stream in _streams)
            stream.Flush();
    }

    private Step Decode(out PublishedRelation? relation)
    {
        relation = null;
        var untilLook = MessagesPerLook;
        while (true)
        {
            if (_decoder.Changes >= _context.MaxChanges || --untilLook == 0 && _decoder.BufferBytes >= _context.MaxBytes)
                return Step.Full;
            if (untilLook <= 0)
                untilLook = MessagesPerLook;
            if (!_transactions.TryTake(_feed.Buffer, out var message))
                return Step.Fetch;
            if (message.Length > 0 && message[0] == (byte)PgOutputMessage.Relation)
            {
                var reader = new PgOutputReader(message);
                _ = reader.ReadByte();
                relation = PublishedRelation.Read(ref reader);
                return Step.Map;
            }
            var before = _decoder.Changes;
            _decoder.Decode(message);
            if (_transactions.IsReplaying)
                Flush();
            if (before == 0 && _decoder.Changes > 0)
                _windowStarted = Stopwatch.GetTimestamp();
        }
    }

    // a transaction is not divided for the sake of time
    private bool IsDue() => !_decoder.IsInTransaction && (_decoder.Changes > 0 ? Stopwatch.GetElapsedTime(_windowStarted) >= _context.FlushInterval
        : _decoder.Place > _handedOver && Stopwatch.GetElapsedTime(_lastWindow) >= _options.Heartbeat);

    private TimeSpan Patience()
    {
        var (since, interval) = _decoder.Changes > 0 ? (_windowStarted, _context.FlushInterval) : (_lastWindow, _options.Heartbeat);
        var left = interval - Stopwatch.GetElapsedTime(since);
        return left > TimeSpan.FromMilliseconds(1) ? left : _decoder.Changes > 0 && !_decoder.IsInTransaction ? TimeSpan.FromMilliseconds(1)
            : _options.Heartbeat;
    }

    private async Task<NpgsqlConnection> SideAsync(CancellationToken cancellationToken) =>
        (_side ??= await _connections.OpenAsync(cancellationToken).ConfigureAwait(false)).Connection;

    private async Task<ChangeWindow> CloseAsync(CancellationToken cancellationToken, bool isAwaited = false, bool isFull = false)
    {
        var place = _decoder.Place;
        var changes = await _builder.BuildAsync(_streams, () => SideAsync(cancellationToken), cancellationToken).ConfigureAwait(false);
        var window = new ChangeWindow(changes, PositionAt(place).Render()) { IsAwaited = isAwaited, IsFull = isFull };
        _handedOver = place;
        _lastWindow = Stopwatch.GetTimestamp();
        _decoder.StartWindow();
        return window;
    }

    private LogPosition PositionAt(LogPlace place)
    {
        var further = new Dictionary<string, StreamStart>();
        foreach (var stream in _streams)
        {
            var seen = stream.Start.Seen is { } snapshot && place.Lsn < snapshot.End ? snapshot : null;
            if (stream.Start.Place > place || seen is not null)
                further[stream.Plan.Stream.Name] = new StreamStart(stream.Start.Place > place ? stream.Start.Place : place, seen);
        }
        return new LogPosition(_server, new StreamStart(place)) { Further = further, Passed = _decoder.Passed };
    }
}
