namespace Nebula.Connectors.PostgreSql.Changes;

/// <summary>Where messages of the log come from.</summary>
internal interface IMessageFeed : IAsyncDisposable
{
    /// <summary>What was fetched.</summary>
    MessageBuffer Buffer { get; }

    /// <summary>Up to where the log was read, where that can be told without a message; 0 when it cannot. Good between transactions only.</summary>
    ulong ReadUpTo { get; }

    /// <summary>Fetches more messages.</summary>
    /// <param name="timeout">How long to wait for them.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    ValueTask<Fetched> FetchAsync(TimeSpan timeout, CancellationToken cancellationToken);

    /// <summary>Tells the server up to where the log is needed no more; also while messages are fetched.</summary>
    /// <param name="lsn">The place.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    ValueTask AcknowledgeAsync(ulong lsn, CancellationToken cancellationToken);
}

/// <summary>What came of a fetch.</summary>
internal enum Fetched
{
    /// <summary>There is more in the buffer.</summary>
    Messages,

    /// <summary>Nothing came in time.</summary>
    Nothing,

    /// <summary>All that was fetched ends with a commit, and what follows is fetched from where was acknowledged: what is not comes again.</summary>
    Pause,

    /// <summary>The log was read to its end.</summary>
    End,
}
