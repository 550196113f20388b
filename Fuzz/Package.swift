// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that building Stargate never builds it. One program holds all targets:
// it is linked once, and a new target is one file and one line. `Scripts/fuzz.sh` builds it with
// coverage and with the internals of the engine open to it.
let package = Package(
    name: "fuzz",
    dependencies: [.package(name: "stargate", path: "..")],
    targets: [
        .executableTarget(
            name: "stargate-fuzz",
            dependencies: [.product(name: "StargateCore", package: "stargate")]
        )
    ]
)
