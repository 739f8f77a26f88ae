using AlexNetActors.Model;
using AlexNetActors.Tests.Writer;

// A process that writes checkpoints by the program's own code and is killed, or runs out of disk, while it does. Its words, one a line on
// standard output, are what it has been promised is on the disk.
//
//   checkpoint-writer FOLDER endless                       after the newest, one after another, every second one twice, until it is killed
//   checkpoint-writer FOLDER one [FILE BYTE]               after the newest; the system kills it as it writes that byte of that file
//   checkpoint-writer FOLDER again                         the newest once more
//   checkpoint-writer FOLDER every-byte N                  the system refuses every Nth byte of every file once; says how many
//   checkpoint-writer FOLDER every-page                    fills the disk up to every free page that is too few; says how many
string folder = args[0];
var writer = new Writer(folder, floats: args[1] == "every-page" ? 60_000 : 150);
switch (args)
{
    case [_, "endless"]:
        writer.Write(writer.Newest ?? 1);
        for (long steps = writer.Newest!.Value; ; steps++)
        {
            Console.WriteLine(writer.Write(steps)); // replaces the one that is there
            Console.WriteLine(writer.Write(steps + 1));
        }
    case [_, "one", .. var where]:
        var limit = where is [var file, var at] ? (file, long.Parse(at)) : default((string File, long Byte)?);
        FileSizeLimit.Kills();
        Console.WriteLine(writer.Write((writer.Newest ?? 0) + 1, limit));
        break;
    case [_, "again"]:
        Console.WriteLine(writer.Write(writer.Newest!.Value));
        break;
    case [_, "every-byte", var n]:
        FileSizeLimit.Refuses();
        Console.WriteLine(writer.RefuseBytes(int.Parse(n)));
        break;
    case [_, "every-page"]:
        Console.WriteLine(writer.RefusePages());
        break;
}
