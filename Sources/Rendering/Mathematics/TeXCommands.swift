/// What a command of the subset means.
enum TeXCommand {
  /// Letters and signs that stand like a letter.
  case identifier(String, isUpright: Bool)
  case symbol(String, MathClass)
  /// A sum or an integral.
  case large(String, ScriptPlacement)
  /// A function by its name, upright.
  case function(String, ScriptPlacement)
  /// A delimiter that does not grow by itself.
  case delimiter(String, MathClass)
  case accent(String, isStretchy: Bool)
  /// A brace, line or arrow over or under its argument.
  case over(String)
  case under(String)
  /// An arrow as long as what is over and under it.
  case arrow(String)
  case font(MathAlphabet)
  /// Words, in an alphabet where they are not plain.
  case text(MathAlphabet?)
  /// Thousandths of an em.
  case space(Int)
  case fraction(isDisplay: Bool?)
  case binomial(isDisplay: Bool?)
  case root
  case left, right, middle
  /// `\big` and its relatives: the size, and which side the delimiter is on.
  case sized(String, MathClass)
  case operatorName
  case placed(isOver: Bool)
  case phantom(hasWidth: Bool, hasHeight: Bool)
  case classed(MathClass)
  case style(isDisplay: Bool, level: Int)
  case limits(ScriptPlacement)
  case not
  /// `⫫`, which too few fonts have.
  case independence
  case modulo
  case stackedLines
  case tag, label, ignored
  case begin, end, newRow
  /// A command of TeX that is left out on purpose: how many arguments it takes, why, and what to do.
  case refused(arguments: Int, String, help: String?)
}

/// The commands of the subset by their names.
enum TeXCommands {
  static let byName: [String: TeXCommand] = {
    var table: [String: TeXCommand] = [:]
    for (name, sign) in pairs(letters) { table[name] = .identifier(sign, isUpright: false) }
    for (name, sign) in pairs(uprightLetters) { table[name] = .identifier(sign, isUpright: true) }
    for (name, sign) in pairs(ordinaries) { table[name] = .symbol(sign, .ordinary) }
    for (name, sign) in pairs(dots) { table[name] = .symbol(sign, .inner) }
    for (name, sign) in pairs(binaries) { table[name] = .symbol(sign, .binary) }
    for (name, sign) in pairs(relations) { table[name] = .symbol(sign, .relation) }
    for (name, sign) in pairs(sums) { table[name] = .large(sign, .underInDisplay) }
    for (name, sign) in pairs(integrals) { table[name] = .large(sign, .beside) }
    for (name, sign) in pairs(openings) { table[name] = .delimiter(sign, .opening) }
    for (name, sign) in pairs(closings) { table[name] = .delimiter(sign, .closing) }
    for (name, sign) in pairs(fences) { table[name] = .delimiter(sign, .ordinary) }
    for (name, sign) in pairs(accents) { table[name] = .accent(sign, isStretchy: false) }
    for (name, sign) in pairs(wideAccents) { table[name] = .accent(sign, isStretchy: true) }
    for (name, sign) in pairs(overs) { table[name] = .over(sign) }
    for (name, sign) in pairs(unders) { table[name] = .under(sign) }
    for name in words(functions) { table[name] = .function(name, .beside) }
    for name in words(limitFunctions) { table[name] = .function(name, .underInDisplay) }
    for (name, shown) in pairs(spacedFunctions) {
      table[name] = .function(shown.split(separator: "-").joined(separator: "\u{2009}"), .underInDisplay)
    }
    for (name, size) in [("big", "1.2em"), ("Big", "1.8em"), ("bigg", "2.4em"), ("Bigg", "3em")] {
      table[name] = .sized(size, .ordinary)
      table[name + "l"] = .sized(size, .opening)
      table[name + "m"] = .sized(size, .relation)
      table[name + "r"] = .sized(size, .closing)
    }
    for name in words("color textcolor colorbox fcolorbox definecolor") {
      let count = name == "color" ? 1 : name == "definecolor" || name == "fcolorbox" ? 3 : 2
      table[name] = .refused(
        arguments: count, "colors are left to the report", help: "`\\boldsymbol` or `\\underbrace` set a part off")
    }
    for name in words("newcommand renewcommand providecommand def DeclareMathOperator") {
      table[name] = .refused(
        arguments: 2, "`\\\(name)` is not supported: each formula stands alone",
        help: "write `\\operatorname{name}` for a function, or the definition in full")
    }
    for name in words("href url html htmlClass htmlId style class cssId includegraphics input require") {
      let count = ["url", "html", "includegraphics", "input", "require"].contains(name) ? 1 : 2
      table[name] = .refused(arguments: count, "`\\\(name)` is not supported in formulas", help: nil)
    }
    for name in words("ref eqref cite") {
      table[name] = .refused(arguments: 1, "`\\\(name)` is not supported in formulas", help: "refer to it in the prose")
    }
    for name in words("over choose atop above brack brace") {
      let better = name == "choose" ? "\\binom{…}{…}" : "\\frac{…}{…}"
      table[name] = .refused(arguments: 0, "`\\\(name)` between its parts is not supported", help: "write `\(better)`")
    }
    for name in words("hline cline vline") {
      table[name] = .refused(
        arguments: name == "cline" ? 1 : 0, "lines inside of tables are not drawn", help: "leave `\\\(name)` out")
    }
    table.merge(others) { _, new in new }
    return table
  }()

  /// The meaning of characters that are written as themselves, by their sign.
  static let byCharacter: [String: TeXCommand] = {
    var table: [String: TeXCommand] = [:]
    let groups = [
      letters, uprightLetters, ordinaries, dots, binaries, relations, sums, integrals, openings, closings, fences,
    ]
    for (name, sign) in groups.flatMap({ pairs($0) }) where table[sign] == nil { table[sign] = byName[name] }
    table.merge(characters) { _, new in new }
    return table
  }()

  /// Split by scalars: as characters, a combining mark would be one with the space before it.
  private static func words(_ text: String) -> [String] {
    text.unicodeScalars.split { $0 == " " || $0 == "\n" }.map { String($0) }
  }

  private static func pairs(_ text: String) -> [(String, String)] {
    let all = words(text)
    return stride(from: 0, to: all.count - 1, by: 2).map { (all[$0], all[$0 + 1]) }
  }

  private static let characters: [String: TeXCommand] = [
    "-": .symbol("−", .binary), "−": .symbol("−", .binary), "+": .symbol("+", .binary), "*": .symbol("∗", .binary),
    "=": .symbol("=", .relation), "<": .symbol("<", .relation), ">": .symbol(">", .relation),
    ":": .symbol(":", .relation), ",": .symbol(",", .punctuation), ";": .symbol(";", .punctuation),
    "(": .delimiter("(", .opening), ")": .delimiter(")", .closing), "[": .delimiter("[", .opening),
    "]": .delimiter("]", .closing), "|": .delimiter("|", .ordinary), "‖": .delimiter("‖", .ordinary),
    "∣": .symbol("∣", .relation), "!": .symbol("!", .closing), "?": .symbol("?", .closing),
    "/": .symbol("/", .ordinary), ".": .symbol(".", .ordinary), "@": .symbol("@", .ordinary),
    "\"": .symbol("\"", .ordinary), "`": .symbol("‘", .ordinary), "~": .space(250), "\u{A0}": .space(250),
    "⫫": .independence, "µ": .identifier("μ", isUpright: false), "Ω": .identifier("Ω", isUpright: true),
    "·": .symbol("⋅", .binary),
    "'": .symbol("′", .ordinary), "∶": .symbol(":", .relation), "∥": .symbol("∥", .relation),
    "∕": .symbol("/", .ordinary),
  ]

  // MARK: - Signs

  private static let letters = """
    alpha α beta β gamma γ delta δ epsilon ϵ varepsilon ε zeta ζ eta η theta θ vartheta ϑ iota ι kappa κ varkappa ϰ
    lambda λ mu μ nu ν xi ξ omicron ο pi π varpi ϖ rho ρ varrho ϱ sigma σ varsigma ς tau τ upsilon υ phi ϕ varphi φ
    chi χ psi ψ omega ω partial ∂ ell ℓ hbar ℏ hslash ℏ imath ı jmath ȷ
    """

  private static let uprightLetters = """
    Alpha Α Beta Β Gamma Γ Delta Δ Epsilon Ε Zeta Ζ Eta Η Theta Θ Iota Ι Kappa Κ Lambda Λ Mu Μ Nu Ν Xi Ξ Omicron Ο
    Pi Π Rho Ρ Sigma Σ Tau Τ Upsilon Υ Phi Φ Chi Χ Psi Ψ Omega Ω nabla ∇ infty ∞ emptyset ∅ varnothing ∅ Re ℜ Im ℑ
    aleph ℵ beth ℶ wp ℘ top ⊤ bot ⊥ digamma ϝ eth ð Bbbk 𝕜 degree ° checkmark ✓ square □ Box □ blacksquare ■
    lozenge ◊ bigstar ★ triangle △ clubsuit ♣ diamondsuit ♢ heartsuit ♡ spadesuit ♠ flat ♭ natural ♮ sharp ♯
    S § P ¶ copyright © pounds £ dag † ddag ‡ blacktriangle ▲ angle ∠ measuredangle ∡ mho ℧ complement ∁
    """

  private static let ordinaries = """
    forall ∀ exists ∃ nexists ∄ neg ¬ lnot ¬ prime ′ backprime ‵ vdots ⋮ surd √ $ $ % % & & # # _ _ therefore ∴ because ∵
    """

  private static let dots = "dots … ldots … dotsc … dotso … cdots ⋯ dotsb ⋯ dotsm ⋯ dotsi ⋯ ddots ⋱"

  private static let binaries = """
    pm ± mp ∓ times × div ÷ cdot ⋅ ast ∗ star ⋆ circ ∘ bullet ∙ oplus ⊕ ominus ⊖ otimes ⊗ oslash ⊘ odot ⊙
    cup ∪ cap ∩ uplus ⊎ sqcup ⊔ sqcap ⊓ setminus ∖ smallsetminus ∖ wr ≀ land ∧ wedge ∧ lor ∨ vee ∨ veebar ⊻
    barwedge ⊼ dagger † ddagger ‡ amalg ⨿ diamond ⋄ bigcirc ◯ boxplus ⊞ boxminus ⊟ boxtimes ⊠ boxdot ⊡ ltimes ⋉
    rtimes ⋊ bigtriangleup △ bigtriangledown ▽ triangleleft ◃ triangleright ▹ dotplus ∔ Cap ⋒ Cup ⋓
    circledast ⊛ circledcirc ⊚ intercal ⊺ centerdot ⋅
    """

  private static let relations = """
    sim ∼ propto ∝ varpropto ∝ mid ∣ nmid ∤ parallel ∥ nparallel ∦ perp ⟂ approx ≈ approxeq ≊ equiv ≡
    simeq ≃ cong ≅ ncong ≇ nsim ≁ asymp ≍ doteq ≐ triangleq ≜ stackreldef ≝ coloneqq ≔ eqqcolon ≕ le ≤ leq ≤ ge ≥ geq ≥
    leqslant ⩽ geqslant ⩾ lt < gt > ne ≠ neq ≠ nleq ≰ ngeq ≱ nless ≮ ngtr ≯ leqq ≦ geqq ≧ ll ≪ gg ≫ lll ⋘ ggg ⋙
    lesssim ≲ gtrsim ≳ lessgtr ≶ prec ≺ succ ≻ preceq ⪯ succeq ⪰ npreceq ⋠ nsucceq ⋡ preccurlyeq ≼ succcurlyeq ≽
    in ∈ notin ∉ ni ∋ owns ∋ subset ⊂ supset ⊃ subseteq ⊆ supseteq ⊇ nsubseteq ⊈ nsupseteq ⊉ subsetneq ⊊ supsetneq ⊋
    sqsubseteq ⊑ sqsupseteq ⊒ sqsubset ⊏ sqsupset ⊐ Subset ⋐ Supset ⋑ models ⊨ vdash ⊢ dashv ⊣ vDash ⊨ Vdash ⊩
    nvdash ⊬ bowtie ⋈ smile ⌣ frown ⌢ between ≬ pitchfork ⋔ backsim ∽ thicksim ∼ thickapprox ≈ bumpeq ≏ circeq ≗
    to → rightarrow → leftarrow ← gets ← leftrightarrow ↔ Rightarrow ⇒ Leftarrow ⇐ Leftrightarrow ⇔ implies ⟹
    impliedby ⟸ iff ⟺ mapsto ↦ longmapsto ⟼ longrightarrow ⟶ longleftarrow ⟵ longleftrightarrow ⟷ Longrightarrow ⟹
    Longleftarrow ⟸ Longleftrightarrow ⟺ uparrow ↑ downarrow ↓ updownarrow ↕ Uparrow ⇑ Downarrow ⇓ Updownarrow ⇕
    nearrow ↗ searrow ↘ swarrow ↙ nwarrow ↖ hookrightarrow ↪ hookleftarrow ↩ rightharpoonup ⇀ rightharpoondown ⇁
    leftharpoonup ↼ leftharpoondown ↽ rightleftharpoons ⇌ leftrightharpoons ⇋ rightsquigarrow ⇝ leadsto ⇝
    twoheadrightarrow ↠ rightarrowtail ↣ nrightarrow ↛ nleftarrow ↚ nRightarrow ⇏ rightleftarrows ⇄ leftrightarrows ⇆
    rightrightarrows ⇉ upuparrows ⇈ circlearrowright ↻ circlearrowleft ↺ curvearrowright ↷ vartriangleleft ⊲
    vartriangleright ⊳ trianglelefteq ⊴ trianglerighteq ⊵ multimap ⊸
    """

  private static let sums = """
    sum ∑ prod ∏ coprod ∐ bigcup ⋃ bigcap ⋂ bigoplus ⨁ bigotimes ⨂ bigodot ⨀ bigvee ⋁ bigwedge ⋀ biguplus ⨄ bigsqcup ⨆
    """
  private static let integrals = "int ∫ iint ∬ iiint ∭ oint ∮ oiint ∯ smallint ∫"

  private static let openings = """
    { { lbrace { lbrack [ lparen ( langle ⟨ lfloor ⌊ lceil ⌈ lvert | lVert ‖ lgroup ⟮ llbracket ⟦ ulcorner ⌜
    """
  private static let closings = """
    } } rbrace } rbrack ] rparen ) rangle ⟩ rfloor ⌋ rceil ⌉ rvert | rVert ‖ rgroup ⟯ rrbracket ⟧ urcorner ⌝
    """
  private static let fences = "vert | Vert ‖ | ‖ backslash \\"

  private static let accents = "hat ^ check ˇ tilde ~ acute ´ grave ` bar ¯ breve ˘ vec → dot ˙ ddot ¨ mathring ˚"
  private static let wideAccents = "widehat \u{302} widetilde ~ widecheck ˇ"
  private static let overs = """
    overline \u{332} overbrace ⏞ overrightarrow → overleftarrow ← overleftrightarrow ↔ overparen ⏜ overbracket ⎴
    """
  private static let unders = """
    underline \u{332} underbrace ⏟ underrightarrow → underleftarrow ← underparen ⏝ underbracket ⎵
    """

  private static let functions = """
    log exp ln lg sin cos tan cot sec csc sinh cosh tanh coth arcsin arccos arctan arg deg dim hom ker
    """
  private static let limitFunctions = "lim max min sup inf det gcd Pr"
  /// Names of two words, joined here by a hyphen. The last two are not in LaTeX itself but in most papers.
  private static let spacedFunctions = "limsup lim-sup liminf lim-inf argmax arg-max argmin arg-min"

  // MARK: - The rest

  private static let others: [String: TeXCommand] = [
    ",": .space(167), "thinspace": .space(167), ":": .space(222), ">": .space(222), "medspace": .space(222),
    ";": .space(278), "thickspace": .space(278), "!": .space(-167), "negthinspace": .space(-167), " ": .space(250),
    "enspace": .space(500), "quad": .space(1000), "qquad": .space(2000), "space": .space(250),
    "nobreakspace": .space(250),
    "frac": .fraction(isDisplay: nil), "dfrac": .fraction(isDisplay: true), "tfrac": .fraction(isDisplay: false),
    "cfrac": .fraction(isDisplay: true), "binom": .binomial(isDisplay: nil), "dbinom": .binomial(isDisplay: true),
    "tbinom": .binomial(isDisplay: false), "sqrt": .root,
    "left": .left, "right": .right, "middle": .middle,
    "mathrm": .font(.roman), "mathup": .font(.roman), "mathbf": .font(.bold), "mathit": .font(.italic),
    "mathsf": .font(.sansSerif), "mathtt": .font(.monospace), "mathbb": .font(.doubleStruck),
    "mathcal": .font(.script), "mathscr": .font(.script), "mathfrak": .font(.fraktur),
    "boldsymbol": .font(.boldSymbol), "bm": .font(.boldSymbol), "mathbfit": .font(.boldItalic),
    "text": .text(nil), "textrm": .text(nil), "textnormal": .text(nil), "textup": .text(nil), "mbox": .text(nil),
    "hbox": .text(nil), "textbf": .text(.bold), "textit": .text(.italic), "emph": .text(.italic),
    "textsf": .text(.sansSerif), "texttt": .text(.monospace),
    "xrightarrow": .arrow("→"), "xleftarrow": .arrow("←"), "xmapsto": .arrow("↦"), "xRightarrow": .arrow("⇒"),
    "operatorname": .operatorName, "stackrel": .placed(isOver: true), "overset": .placed(isOver: true),
    "underset": .placed(isOver: false), "phantom": .phantom(hasWidth: true, hasHeight: true),
    "hphantom": .phantom(hasWidth: true, hasHeight: false), "vphantom": .phantom(hasWidth: false, hasHeight: true),
    "mathord": .classed(.ordinary), "mathbin": .classed(.binary), "mathrel": .classed(.relation),
    "mathop": .classed(.function), "mathopen": .classed(.opening), "mathclose": .classed(.closing),
    "mathpunct": .classed(.punctuation), "mathinner": .classed(.ordinary),
    "displaystyle": .style(isDisplay: true, level: 0), "textstyle": .style(isDisplay: false, level: 0),
    "scriptstyle": .style(isDisplay: false, level: 1), "scriptscriptstyle": .style(isDisplay: false, level: 2),
    "limits": .limits(.under), "nolimits": .limits(.beside), "not": .not, "centernot": .not,
    "indep": .independence, "Vbar": .independence, "colon": .symbol(":", .punctuation),
    "bmod": .symbol("mod", .binary), "pmod": .modulo, "substack": .stackedLines,
    "tag": .tag, "label": .label, "nonumber": .ignored, "notag": .ignored, "allowbreak": .ignored,
    "begin": .begin, "end": .end, "\\": .newRow, "cr": .newRow,
  ]

  // MARK: - Near names

  /// The command that was likely meant, by the fewest changed letters; the first in the alphabet of several.
  static func nearest(to name: String) -> String? {
    let letters = Array(name.utf8)
    guard letters.count >= 2, letters.count <= 24 else { return nil }
    let allowed = letters.count < 4 ? 1 : 2
    var best: (distance: Int, name: String)?
    for known in sortedNames where abs(known.utf8.count - letters.count) <= allowed {
      let distance = editDistance(letters, Array(known.utf8))
      if distance <= allowed, distance < best?.distance ?? .max { best = (distance, known) }
    }
    return best?.name
  }

  private static let sortedNames: [String] = byName.compactMap { name, command in
    if case .refused = command { return nil }
    return name.utf8.count > 1 ? name : nil
  }.sorted()

  /// Changes, insertions, deletions and exchanges of neighbors between two words (optimal string alignment).
  static func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var older = [Int](repeating: 0, count: right.count + 1)
    var last = Array(0...right.count)
    for i in left.indices {
      var next = [i + 1]
      for j in right.indices {
        var best = min(last[j] + (left[i] == right[j] ? 0 : 1), last[j + 1] + 1, next[j] + 1)
        if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] { best = min(best, older[j - 1] + 1) }
        next.append(best)
      }
      older = last
      last = next
    }
    return last[right.count]
  }
}
