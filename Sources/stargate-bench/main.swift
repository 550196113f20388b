// The executable itself: everything it does lives in StargateBenchKit, where it can be tested.

internal import StargateBenchKit

BenchCommand.runAndExit()
