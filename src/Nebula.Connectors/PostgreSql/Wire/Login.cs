using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Wire;

/// <summary>Logs in to a server. Manual, "Start-up" in "Message Flow".</summary>
/// <param name="settings">As whom.</param>
/// <param name="socket">The connection.</param>
/// <param name="input">What comes from it.</param>
internal sealed class Login(WireSettings settings, WireSocket socket, WireInput input)
{
    private const string Scram = "SCRAM-SHA-256";
    private const string BoundScram = "SCRAM-SHA-256-PLUS";
    private const int SaltSize = 4;
    private const int NonceSize = 18;

    private enum Request
    {
        Done = 0,
        Password = 3,
        Md5 = 5,
        Sasl = 10,
        SaslContinue = 11,
        SaslFinal = 12,
    }

    /// <summary>Does what the server asks for until it lets the role in.</summary>
    /// <exception cref="PostgresException">It does not.</exception>
    /// <exception cref="NpgsqlException">It wants what cannot be given.</exception>
    public void Run()
    {
        while (true)
        {
            var content = Read(out var request);
            switch (request)
            {
                case Request.Done:
                    return;
                case Request.Password:
                    Send(Password());
                    break;
                case Request.Md5 when content.Length == SaltSize:
                    // the first hash is what the server keeps
                    Send("md5" + Md5([.. Encoding.ASCII.GetBytes(Md5(Encoding.UTF8.GetBytes(Password() + settings.User))), .. content]));
                    break;
                case Request.Sasl:
                    AuthenticateByScram(Encoding.UTF8.GetString(content).Split('\0', StringSplitOptions.RemoveEmptyEntries));
                    break;
                default:
                    throw new NpgsqlException($"The server wants a way to log in that is not supported (number {(int)request}). Let pg_hba.conf ask for "
                        + "scram-sha-256.");
            }
        }
    }

    private void AuthenticateByScram(string[] offered)
    {
        var hash = socket.Encryption is { } encryption && offered.Contains(BoundScram) ? Encryption.HashOf(encryption) : null;
        if (hash is null && !offered.Contains(Scram))
            throw new NpgsqlException($"The server offers none of the ways to log in that are supported: {string.Join(", ", offered)}.");
        // y: it could be bound to the encryption, and the server does not offer that; where it did, somebody between the two has taken it out
        var binding = hash is not null ? "p=tls-server-end-point,," : socket.Encryption is not null && !offered.Contains(BoundScram) ? "y,," : "n,,";
        var client = new ScramClient(Password(), Convert.ToBase64String(RandomNumberGenerator.GetBytes(NonceSize)), binding, hash ?? []);
        var first = Encoding.UTF8.GetBytes(client.First);
        socket.Write(new WireOutput().Begin('p').Text(hash is null ? Scram : BoundScram).Int32(first.Length).Bytes(first).End());
        var challenge = Encoding.UTF8.GetString(Read(Request.SaslContinue));
        var answer = client.Answer(challenge) ?? throw input.Broken("its part of the log-in (SCRAM) does not have the form that it should have");
        socket.Write(new WireOutput().Begin('p').Bytes(Encoding.UTF8.GetBytes(answer)).End());
        if (!client.IsProven(Encoding.UTF8.GetString(Read(Request.SaslFinal))))
            throw input.Broken("it does not prove that it knows the password (SCRAM)");
    }

    private string Password() => (settings.Password ?? PasswordFile.Find(settings)) is { Length: > 0 } password ? password
        : throw new NpgsqlException("No password is set, and the server wants one.");

    private void Send(string password) => socket.Write(new WireOutput().Begin('p').Text(password).End());

    private ReadOnlySpan<byte> Read(Request wanted)
    {
        var content = Read(out var request);
        return request == wanted ? content : throw input.Broken($"it goes on with step {(int)request} of the log-in where {(int)wanted} comes next");
    }

    private ReadOnlySpan<byte> Read(out Request request)
    {
        while (true)
        {
            var content = input.ReadMessage(out var type);
            switch ((char)type)
            {
                case 'R' when content.Length >= sizeof(int):
                    request = (Request)BinaryPrimitives.ReadInt32BigEndian(content);
                    return content[sizeof(int)..];
                case 'E':
                    throw WireError.Read(content);
                case 'N' or 'v':
                    break;
                default:
                    throw input.Unexpected(type);
            }
        }
    }

#pragma warning disable CA5351 // what the server asks for; nothing else relies on it
    private static string Md5(byte[] bytes) => Convert.ToHexStringLower(MD5.HashData(bytes));
#pragma warning restore CA5351
}
