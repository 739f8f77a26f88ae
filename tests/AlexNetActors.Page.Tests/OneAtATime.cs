using Xunit.Sdk;
using Xunit.v3;

// Two clusters and a browser at once would be one too many for a small machine.
[assembly: Parallelization(Mode = ParallelMode.None)]
