// The bench's own values on the command line. What they refuse, the parser reports with the
// option's name and the help text.

internal import ArgumentParser

extension ByteCount: ExpressibleByArgument {
    init?(argument: String) { self.init(argument) }

    var defaultValueDescription: String { description }
}

extension TimeSpan: ExpressibleByArgument {
    init?(argument: String) { self.init(argument) }

    var defaultValueDescription: String { Figure.fixed(seconds, 0) + "s" }
}

extension HeaderLine: ExpressibleByArgument {
    init?(argument: String) { self.init(argument) }
}

/// What `--text` takes.
enum TextKind: String, ExpressibleByArgument, CaseIterable {
    case ascii
    case mixed
    case json
}
