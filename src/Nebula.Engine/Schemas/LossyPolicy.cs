namespace Nebula.Engine.Schemas;

/// <summary>What happens where a value or its meaning would get lost on the way into another type.</summary>
public enum LossyPolicy
{
    /// <summary>What a destination cannot keep is an error before anything moves; a value that a cast would change is a bad row.</summary>
    Refuse,

    /// <summary>As <see cref="Allow"/>, and the run says which columns are concerned.</summary>
    Warn,

    /// <summary>Values are rounded, and meanings dropped. What does not fit at all is still a bad row.</summary>
    Allow,
}
