namespace AlexNetActors.App;

/// <summary>The pictures whose features lie nearest to one's, by Euclidean distance (paper section 6.1).</summary>
sealed class NearestPictures(float[] features)
{
    const int Most = 5;

    readonly List<(double Distance, int Record)> _nearest = [];

    /// <summary>Nearest first.</summary>
    public IEnumerable<int> Records => _nearest.Select(n => n.Record);

    public void Offer(int record, float[] other)
    {
        double distance = 0;
        for (int i = 0; i < features.Length; i++) distance += ((double)features[i] - other[i]) * ((double)features[i] - other[i]);
        if (_nearest.Count == Most && distance >= _nearest[^1].Distance) return;
        if (_nearest.Count == Most) _nearest.RemoveAt(Most - 1);
        _nearest.Insert(_nearest.Count(n => n.Distance <= distance), (distance, record));
    }
}
