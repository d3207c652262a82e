using System.Collections.Immutable;
using System.Text;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Configuration;

/// <summary>
/// Resolves <c>${NAME}</c>, <c>${NAME:-default}</c>, <c>${secret:env://NAME}</c> and <c>${secret:file:///path}</c> in the values of a tree; <c>$${</c> is a
/// literal <c>${</c>. What was put in is not looked at again, so that a value can never become an expression.
/// </summary>
/// <param name="environment">Where variables come from and secrets are noted.</param>
/// <param name="problems">Takes what cannot be resolved.</param>
internal sealed class Substitution(ConfigEnvironment environment, ConfigProblems problems)
{
    private const string SecretPrefix = "secret:";
    private const string DefaultMark = ":-";
    private const int MaxSecretSize = 64 << 10;
    private const int MaxNesting = 8;
    private const int MaxLength = 1 << 20;

    /// <summary>Resolves a tree. A value that cannot be resolved is reported and left as it was written.</summary>
    /// <param name="map">The tree.</param>
    public ConfigMap Resolve(ConfigMap map)
    {
        var entries = ImmutableArray.CreateBuilder<ConfigEntry>(map.Entries.Length);
        var changed = false;
        foreach (var entry in map.Entries)
        {
            var value = Resolve(entry.Value);
            changed |= !ReferenceEquals(value, entry.Value);
            entries.Add(entry with { Value = value });
        }
        return changed ? new ConfigMap(entries.MoveToImmutable(), map.Location) : map;
    }

    private ConfigNode Resolve(ConfigNode node)
    {
        switch (node)
        {
            case ConfigMap map:
                return Resolve(map);
            case ConfigList list:
                var items = ImmutableArray.CreateBuilder<ConfigNode>(list.Items.Length);
                foreach (var item in list.Items)
                    items.Add(Resolve(item));
                return new ConfigList(items.MoveToImmutable(), list.Location);
            case ConfigScalar scalar when scalar.Text.Contains("${", StringComparison.Ordinal):
                var expression = new Expression(this, scalar);
                return expression.Expand() is { } text ? new ConfigScalar(text, scalar.Location) { IsSecret = expression.HasSecret } : scalar;
            default:
                return node;
        }
    }

    private string? Secret(string reference, SourceLocation location)
    {
        string? value = null;
        if (reference.StartsWith("env://", StringComparison.Ordinal))
        {
            value = environment.Find(reference["env://".Length..]);
            if (value is null)
                problems.Add(location, $"The variable {ConfigScalar.Quote(reference["env://".Length..])} of this secret is not set. Set it in the"
                    + " environment or in .env.");
        }
        else if (reference.StartsWith("file:///", StringComparison.Ordinal))
        {
            try
            {
                // Editors and `kubectl create secret` end a file with a line end that is not part of the secret.
                value = ConfigTextFile.Read(reference["file://".Length..], MaxSecretSize).TrimEnd('\n', '\r');
            }
            catch (ConfigurationException error)
            {
                problems.Add(location, $"The secret in the file {ConfigScalar.Quote(error.Problems[0].Location.Name)} cannot be read."
                    + $" {error.Problems[0].Message}");
            }
        }
        else if (reference.StartsWith("kv://", StringComparison.Ordinal))
        {
            problems.Add(location, "Secrets of a key vault ('kv://') are not supported yet. Use 'env://NAME' or 'file:///path'.");
        }
        else
        {
            problems.Add(location, $"A secret is 'env://NAME' or 'file:///path'; this is {ConfigScalar.Quote(reference)}.");
        }
        if (value is not null)
            environment.Secrets.Add(value);
        return value;
    }

    private string? Variable(string name, SourceLocation location)
    {
        if (!ConfigEnvironment.IsName(name))
            problems.Add(location, $"{ConfigScalar.Quote("${" + name + "}")} is not the name of a variable. Write ${{NAME}}, ${{NAME:-default}} or"
                + $" ${{secret:…}}, and $${{ for the characters themselves.");
        else if (environment.Find(name) is { } value)
            return value;
        else
            problems.Add(location, $"The variable '{name}' is not set. Set it with --env {name}=…, in the environment or in .env, or give it a"
                + $" default: ${{{name}:-…}}.");
        return null;
    }

    private string? Find(string name) => environment.Find(name);

    private void Problem(ConfigScalar scalar, string message) => problems.Add(scalar.Location, message);

    /// <summary>The expansion of one scalar.</summary>
    private sealed class Expression(Substitution owner, ConfigScalar scalar)
    {
        private readonly string _text = scalar.Text;
        private int _position;

        /// <summary>Whether a secret was put in.</summary>
        public bool HasSecret { get; private set; }

        /// <summary>Expands the text; null when a problem was reported.</summary>
        public string? Expand() => Expand(nesting: 0);

        /// <summary>Expands up to the end, or inside an expression up to its closing brace, which stays.</summary>
        private string? Expand(int nesting)
        {
            var expanded = new StringBuilder();
            var failed = false;
            while (_position < _text.Length && (nesting == 0 || _text[_position] != '}'))
            {
                if (At("$${"))
                {
                    expanded.Append("${");
                    _position += 3;
                }
                else if (At("${"))
                {
                    _position += 2;
                    var value = Evaluate(nesting + 1);
                    failed |= value is null;
                    expanded.Append(value);
                }
                else
                {
                    expanded.Append(_text[_position++]);
                }
            }
            if (expanded.Length <= MaxLength)
                return failed ? null : expanded.ToString();
            owner.Problem(scalar, $"This value has more than {MaxLength} characters once its variables are put in.");
            return null;
        }

        private string? Evaluate(int nesting)
        {
            if (nesting > MaxNesting)
            {
                _position = _text.Length;
                owner.Problem(scalar, $"'${{…}}' is nested more than {MaxNesting} deep.");
                return null;
            }
            if (At(SecretPrefix))
                return EvaluateSecret();
            var start = _position;
            while (_position < _text.Length && _text[_position] != '}' && !At(DefaultMark))
                _position++;
            var name = _text[start.._position];
            if (!At(DefaultMark))
                return Close() ? owner.Variable(name, scalar.Location) : null;
            _position += DefaultMark.Length;
            var value = ConfigEnvironment.IsName(name) ? owner.Find(name) : owner.Variable(name, scalar.Location);
            if (string.IsNullOrEmpty(value))
                value = Expand(nesting);
            else
                SkipDefault();
            return Close() && ConfigEnvironment.IsName(name) ? value : null;
        }

        private string? EvaluateSecret()
        {
            var start = _position + SecretPrefix.Length;
            _position = _text.IndexOf('}', _position) is >= 0 and var end ? end : _text.Length;
            HasSecret = true;
            return Close() ? owner.Secret(_text[start..(_position - 1)], scalar.Location) : null;
        }

        /// <summary>Passes over a default that is not needed; the variables in it need not exist.</summary>
        private void SkipDefault()
        {
            for (var open = 0; _position < _text.Length && (_text[_position] != '}' || open-- > 0); _position++)
                if (At("$${"))
                    _position += 2;
                else if (At("${"))
                    open++;
        }

        private bool Close()
        {
            if (_position < _text.Length)
            {
                _position++;
                return true;
            }
            owner.Problem(scalar, "'${' is not closed by '}'. Write $${ for the characters themselves.");
            return false;
        }

        private bool At(string mark) => string.CompareOrdinal(_text, _position, mark, 0, mark.Length) == 0;
    }
}
