/// What library functions mean on values that vary inside a model.
enum TracedLibrary {
  static func withTrace(_ intrinsic: Intrinsic) -> Intrinsic { intrinsic }
}
