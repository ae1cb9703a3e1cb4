// swift-tools-version: 6.2
import PackageDescription

// The list below is the architecture: a target may import only what stands in its `dependencies`, and the build
// enforces it (`make build` passes --explicit-target-dependency-import-check error). See ARCHITECTURE.md.
let package = Package(
  name: "cairn",
  products: [.executable(name: "cairn", targets: ["CLI"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
  ],
  targets: [
    .target(name: "COpenBLAS", linkerSettings: [.linkedLibrary("dl", .when(platforms: [.linux]))]),
    .systemLibrary(name: "CCrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CReadline", providers: [.apt(["libreadline-dev"])]),
    .systemLibrary(name: "CMicrohttpd", providers: [.apt(["libmicrohttpd-dev"])]),
    .systemLibrary(name: "CMarkGFM", providers: [.apt(["libcmark-gfm-dev", "libcmark-gfm-extensions-dev"])]),
    .target(name: "Numerics", dependencies: ["CCrypto"]),
    .target(name: "Syntax"),
    .target(name: "Rendering"),
    .target(name: "Checking", dependencies: ["Syntax"]),
    .target(name: "TensorIR", dependencies: ["Numerics"]),
    .target(name: "CLLVM", linkerSettings: [.linkedLibrary("dl", .when(platforms: [.linux]))]),
    .target(name: "LLVMBackend", dependencies: ["CLLVM", "COpenBLAS", "Numerics", "TensorIR"]),
    .target(name: "Inference", dependencies: ["Numerics"]),
    .target(name: "Plots", dependencies: ["Numerics", "Rendering"]),
    .target(name: "Distributions", dependencies: ["Numerics", "TensorIR"]),
    .target(name: "Interpreter", dependencies: ["Syntax", "Checking", "Numerics", "TensorIR", "Rendering", "Plots"]),
    .target(
      name: "Modeling",
      dependencies: [
        "Numerics", "Syntax", "Rendering", "Plots", "Checking", "TensorIR", "LLVMBackend", "Inference", "Distributions",
        "Interpreter",
      ]),
    .target(
      name: "Notebooks",
      dependencies: [
        "Syntax", "Checking", "Numerics", "Rendering", "Interpreter", "Modeling", "CMarkGFM",
        .product(name: "Yams", package: "Yams"), .product(name: "GRDB", package: "GRDB.swift"),
      ]),
    .executableTarget(
      name: "CLI",
      dependencies: [
        "Syntax", "Checking", "Numerics", "Rendering", "Interpreter", "Modeling", "Notebooks", "TensorIR", "Inference",
        "CMicrohttpd", "CReadline",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .target(name: "TestSupport", path: "Tests/TestSupport"),
    .target(name: "AllocationCounter", path: "Tests/AllocationCounter"),
    .target(
      name: "QuadPrecision", path: "Tests/QuadPrecision",
      linkerSettings: [.linkedLibrary("dl", .when(platforms: [.linux]))]),
    .target(name: "GraphSupport", dependencies: ["Numerics", "TensorIR"], path: "Tests/GraphSupport"),
    .testTarget(name: "NumericsTests", dependencies: ["Numerics", "TestSupport"]),
    .testTarget(name: "SyntaxTests", dependencies: ["Syntax", "TestSupport"]),
    .testTarget(name: "RenderingTests", dependencies: ["Rendering", "TestSupport"]),
    .testTarget(name: "CheckingTests", dependencies: ["Checking", "Syntax", "TestSupport"]),
    .testTarget(name: "TensorIRTests", dependencies: ["TensorIR", "Numerics", "TestSupport", "GraphSupport"]),
    .testTarget(
      name: "LLVMBackendTests",
      dependencies: ["LLVMBackend", "TensorIR", "Numerics", "TestSupport", "GraphSupport", "QuadPrecision"]),
    .testTarget(name: "PlotsTests", dependencies: ["Plots", "Numerics", "Rendering", "TestSupport"]),
    .testTarget(name: "InferenceTests", dependencies: ["Inference", "Numerics", "TestSupport"]),
    .testTarget(
      name: "DistributionsTests", dependencies: ["Distributions", "LLVMBackend", "TensorIR", "Numerics", "TestSupport"]),
    .testTarget(
      name: "InterpreterTests",
      dependencies: ["Interpreter", "Checking", "Syntax", "Rendering", "TensorIR", "Numerics", "TestSupport"]),
    .testTarget(
      name: "ModelingTests",
      dependencies: [
        "Modeling", "Interpreter", "Checking", "Syntax", "Rendering", "Inference", "TensorIR", "Distributions",
        "Numerics", "TestSupport", "AllocationCounter",
      ]),
    .testTarget(
      name: "NotebooksTests",
      dependencies: [
        "Notebooks", "Modeling", "Interpreter", "Checking", "Syntax", "Rendering", "Numerics", "TensorIR",
        "TestSupport", .product(name: "GRDB", package: "GRDB.swift"),
      ]),
    .testTarget(name: "CLITests", dependencies: ["TestSupport"]),
  ],
  swiftLanguageModes: [.v6]
)

// A loop rather than a map over the list above: the type checker gives up on the map.
for target in package.targets where target.type != .system && target.type != .plugin {
  target.swiftSettings = [
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
  ]
}
