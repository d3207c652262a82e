using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

namespace Nebula.Integration.Tests.Servers;

/// <summary>A bucket of the S3 server.</summary>
internal sealed class S3World : StoreWorld
{
    public const string KeyId = "nebula-test", Secret = "nebula-secret";

    // what the server takes in one request
    private const int MostPerRequest = 8 << 20;
    private readonly Uri _server;
    private readonly string _bucket;
    private readonly AmazonS3Client _client;

    private S3World(Uri server, string bucket)
    {
        _server = server;
        _bucket = bucket;
        _client = new AmazonS3Client(new BasicAWSCredentials(KeyId, Secret), new AmazonS3Config
        {
            ServiceURL = server.AbsoluteUri,
            ForcePathStyle = true,
            AuthenticationRegion = "us-east-1",
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
        });
    }

    public override string Root => $"s3://{_bucket}";

    public override Uri Address => _server;

    public override IEnumerable<(string Name, string Value)> VariablesAt(Uri address) =>
        [("AWS_ENDPOINT_URL_S3", address.AbsoluteUri), ("AWS_ACCESS_KEY_ID", KeyId), ("AWS_SECRET_ACCESS_KEY", Secret), ("AWS_REGION", "eu-central-1")];

    public static async Task<StoreWorld> CreateAsync(Uri server, string bucket)
    {
        var world = new S3World(server, bucket);
        await world._client.PutBucketAsync(bucket);
        return world;
    }

    public override IEnumerable<(string Name, string Value)> Settings(Uri address) =>
        [("endpoint", address.AbsoluteUri), ("access_key_id", KeyId), ("secret_access_key", Secret)];

    public override async Task PutAsync(string key, byte[] content)
    {
        if (content.Length <= MostPerRequest)
        {
            await _client.PutObjectAsync(new PutObjectRequest
            {
                BucketName = _bucket,
                Key = key,
                InputStream = new MemoryStream(content),
                UseChunkEncoding = false
            });
            return;
        }
        var upload = await _client.InitiateMultipartUploadAsync(_bucket, key);
        var parts = new List<PartETag>();
        foreach (var part in content.Chunk(MostPerRequest))
        {
            var added = await _client.UploadPartAsync(new UploadPartRequest
            {
                BucketName = _bucket,
                Key = key,
                UploadId = upload.UploadId,
                PartNumber = parts.Count + 1,
                InputStream = new MemoryStream(part),
                UseChunkEncoding = false,
            });
            parts.Add(new PartETag(parts.Count + 1, added.ETag));
        }
        await _client.CompleteMultipartUploadAsync(new CompleteMultipartUploadRequest
        {
            BucketName = _bucket,
            Key = key,
            UploadId = upload.UploadId,
            PartETags = parts
        });
    }

    public override async Task<byte[]?> GetAsync(string key)
    {
        try
        {
            using var answer = await _client.GetObjectAsync(_bucket, key);
            using var content = new MemoryStream();
            await answer.ResponseStream.CopyToAsync(content);
            return content.ToArray();
        }
        catch (AmazonS3Exception e) when (e.StatusCode == System.Net.HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    public override async Task<string[]> KeysAsync()
    {
        var keys = new List<string>();
        var request = new ListObjectsV2Request { BucketName = _bucket };
        do
        {
            var page = await _client.ListObjectsV2Async(request);
            keys.AddRange((page.S3Objects ?? []).Select(static o => o.Key));
            request.ContinuationToken = page.IsTruncated == true ? page.NextContinuationToken : null;
        }
        while (request.ContinuationToken is not null);
        return [.. keys.Order(StringComparer.Ordinal)];
    }

    public override async Task<int> UnfinishedAsync() => (await _client.ListMultipartUploadsAsync(_bucket)).MultipartUploads?.Count ?? 0;

    public override void Dispose() => _client.Dispose();
}
