# The alexnet command in an image of its own: docker build -t alexnet .
#
# It runs on the chiseled runtime image that has Kestrel, which serves the dashboard: glibc, libstdc++ and OpenSSL, what .NET and SkiaSharp's native library need, and nothing else, neither
# shell nor package manager. Not runtime-deps with a self-contained program: Akka finds its classes by name, so nothing could be trimmed away
# and it would be no smaller. Not Alpine: NVIDIA's driver libraries, which the container toolkit lends to a container, are built for glibc.
ARG SDK=mcr.microsoft.com/dotnet/sdk:10.0-noble
ARG RUNTIME=mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled

FROM ${SDK} AS build
WORKDIR /source

# Packages first: they stay in the builder's cache while only the program changes. PublishReadyToRun compiles all ahead: a node that has died is
# back in half the time, and the published folder is for this processor alone.
COPY global.json Directory.Build.props Directory.Packages.props ./
COPY src/AlexNetActors.Compute/AlexNetActors.Compute.csproj src/AlexNetActors.Compute/
COPY src/AlexNetActors.Data/AlexNetActors.Data.csproj src/AlexNetActors.Data/
COPY src/AlexNetActors.Model/AlexNetActors.Model.csproj src/AlexNetActors.Model/
COPY src/AlexNetActors.Actors/AlexNetActors.Actors.csproj src/AlexNetActors.Actors/
COPY src/AlexNetActors.App/AlexNetActors.App.csproj src/AlexNetActors.App/
RUN dotnet restore src/AlexNetActors.App --use-current-runtime -p:PublishReadyToRun=true

COPY hocon hocon
COPY src src
RUN dotnet publish src/AlexNetActors.App -c Release --use-current-runtime --no-self-contained --no-restore -o /app \
    -p:PublishReadyToRun=true -p:DebugType=none -p:GenerateDocumentationFile=false -p:SatelliteResourceLanguages=en

# What volumes are mounted over: a new volume gets its owner from here.
RUN mkdir -p /folders/alexnet/certificates /folders/alexnet/data /folders/alexnet/packs /folders/alexnet/runs

FROM ${RUNTIME}
COPY --from=build /app /app
COPY --from=build --chown=1654:1654 /folders/alexnet /alexnet

# The built-in pictures lie under XDG_DATA_HOME, run folders under the working directory. Without diagnostics the runtime opens no socket in /tmp.
ENV XDG_DATA_HOME=/alexnet/data \
    DOTNET_EnableDiagnostics=0
WORKDIR /alexnet
USER 1654:1654
ENTRYPOINT ["/app/alexnet"]
