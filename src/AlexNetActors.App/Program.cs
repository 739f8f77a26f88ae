return AlexNetActors.App.CommandLine.Run(args);
