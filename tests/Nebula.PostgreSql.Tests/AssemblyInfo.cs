// the tests count what the pool of the process has lent
[assembly: CollectionBehavior(DisableTestParallelization = true)]
