namespace AlexNetActors.App;

/// <summary>Sees whether a collector takes what it is sent: the exporters themselves say nothing of it.</summary>
sealed class CollectorWatch(Action<string> complain) : DelegatingHandler(new SocketsHttpHandler())
{
    protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancel)
    {
        try
        {
            var answer = base.Send(request, cancel);
            if (!answer.IsSuccessStatusCode) complain($"it answers {(int)answer.StatusCode} {answer.ReasonPhrase}");
            return answer;
        }
        catch (HttpRequestException e)
        {
            complain(e.GetBaseException().Message);
            throw;
        }
        catch (OperationCanceledException)
        {
            complain("it does not answer in time");
            throw;
        }
    }
}
