using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using Nebula.Connectors.ObjectStores.Remote;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.ObjectStores.S3;

/// <summary>How S3 and services like it are reached: what users set; where they did not, the usual chain of environment, profile and role.</summary>
internal static class S3Options
{
    private const string FallbackRegion = "us-east-1";

    /// <summary>What can be set.</summary>
    public static IReadOnlyList<OptionDescriptor> Descriptors { get; } =
    [
        new("region", OptionKind.Text, "S3: the bucket's region, such as eu-central-1; else AWS_REGION or the profile's."),
        new("access_key_id", OptionKind.Text, "S3: the access key; else the usual chain: AWS_ACCESS_KEY_ID, profile, role of the machine."),
        new("secret_access_key", OptionKind.Text, "S3: the secret of the access key.") { IsSecret = true },
        new("session_token", OptionKind.Text, "S3: the token of temporary credentials.") { IsSecret = true },
        new("profile", OptionKind.Text, "S3: the profile of the shared AWS configuration to use; else AWS_PROFILE."),
        new("path_style", OptionKind.Flag,
            "S3: whether the bucket is in the path of addresses and not in their host name; true by default where 'endpoint' is set."),
    ];

    /// <summary>Makes the client.</summary>
    /// <param name="bucket">The bucket that it is for.</param>
    /// <param name="options">What the user set.</param>
    /// <param name="endpoint">Address of the service that the user set; null for the region's.</param>
    /// <exception cref="NebulaException">Something is missing or contradicts.</exception>
    public static AmazonS3Client Open(string bucket, OptionValues options, string? endpoint)
    {
        endpoint ??= Variable("AWS_ENDPOINT_URL_S3") ?? Variable("AWS_ENDPOINT_URL");
        var config = new AmazonS3Config
        {
            RetryMode = RequestRetryMode.Standard,
            MaxErrorRetry = 5,
            Timeout = TimeSpan.FromSeconds(100),
            // every part carries an MD5, which all services check; newer checksums are understood only by some
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
            ForcePathStyle = options.Flag("path_style") ?? endpoint is not null,
        };
        if (RateLimit.Of(options, $"s3://{endpoint}/{bucket}") is { } limit)
        {
            config.Timeout = LimitedHttp.TimeoutOf(config.Timeout.Value, limit);
            config.HttpClientFactory = new LimitedClients(limit);
        }
        if (options.Text("profile") is { } profile)
            config.Profile = new Profile(profile);
        var region = options.Text("region") ?? Variable("AWS_REGION") ?? Variable("AWS_DEFAULT_REGION");
        if (endpoint is not null)
        {
            if (!Uri.TryCreate(endpoint, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
                throw NebulaException.Configuration($"{options.Owner}: 'endpoint' must be an address such as https://s3.example.com:9000.",
                    options.LocationOf("endpoint"));
            config.ServiceURL = endpoint;
            config.AuthenticationRegion = region ?? FallbackRegion;
        }
        else if (region is not null)
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(region);
        else if (config.RegionEndpoint is null)
            throw NebulaException.Configuration($"{options.Owner}: which region is the bucket in? Set 'region' or AWS_REGION.", options.LocationOf("path"));
        return (options.Text("access_key_id"), options.Text("secret_access_key"), options.Text("session_token")) switch
        {
            (null, null, null) => new AmazonS3Client(config),
            ({ } id, { } secret, null) => new AmazonS3Client(new BasicAWSCredentials(id, secret), config),
            ({ } id, { } secret, { } token) => new AmazonS3Client(new SessionAWSCredentials(id, secret, token), config),
            _ => throw NebulaException.Configuration($"{options.Owner}: 'access_key_id' and 'secret_access_key' go together.",
                options.LocationOf("access_key_id") ?? options.LocationOf("secret_access_key") ?? options.LocationOf("session_token")),
        };
    }

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;

    private sealed class LimitedClients(RateLimit limit) : HttpClientFactory
    {
        public override HttpClient CreateHttpClient(IClientConfig clientConfig)
        {
            var client = LimitedHttp.Client(limit);
            client.Timeout = clientConfig.Timeout!.Value;
            return client;
        }

        // the limit is not among what its library tells clients apart by
        public override bool UseSDKHttpClientCaching(IClientConfig clientConfig) => false;

        public override bool DisposeHttpClientsAfterUse(IClientConfig clientConfig) => true;
    }
}
