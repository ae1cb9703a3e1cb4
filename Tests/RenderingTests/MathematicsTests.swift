import Foundation
import FoundationXML
import Rendering
import TestSupport
import Testing

/// A formula and the first child of its `<semantics>`.
struct Formula: Sendable, CustomTestStringConvertible {
  enum Place: Sendable {
    case display, inline
  }

  var place: Place
  var tex: String
  var markup: String
  var testDescription: String { tex }

  init(_ place: Place, _ tex: String, _ markup: String) {
    self.place = place
    self.tex = tex
    self.markup = markup
  }
}

/// A mistake: the source, what is told first, and where.
struct FormulaMistake: Sendable, CustomTestStringConvertible {
  var tex: String
  var message: String
  var help: String?
  var offset: Int
  var length: Int
  var testDescription: String { tex }

  init(_ tex: String, _ message: String, help: String? = nil, at offset: Int, _ length: Int) {
    self.tex = tex
    self.message = message
    self.help = help
    self.offset = offset
    self.length = length
  }
}

private let formulas: [Formula] = [
  Formula(.inline, #"x"#, #"<mi>x</mi>"#),
  Formula(.inline, #"12"#, #"<mn>12</mn>"#),
  Formula(.inline, #"3.14"#, #"<mn>3.14</mn>"#),
  Formula(.inline, #".5"#, #"<mn>.5</mn>"#),
  Formula(.inline, #"1,000"#, #"<mrow><mn>1</mn><mo>,</mo><mn>000</mn></mrow>"#),
  Formula(.inline, #"1{,}000"#, #"<mrow><mn>1</mn><mo lspace="0" rspace="0">,</mo><mn>000</mn></mrow>"#),
  Formula(.inline, #"a+b"#, #"<mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow>"#),
  Formula(.inline, #"-a"#, #"<mrow><mo form="prefix">−</mo><mi>a</mi></mrow>"#),
  Formula(.inline, #"a = -b"#, #"<mrow><mi>a</mi><mo>=</mo><mo form="prefix">−</mo><mi>b</mi></mrow>"#),
  Formula(
    .inline, #"(-1)"#,
    #"<mrow><mo stretchy="false">(</mo><mo form="prefix">−</mo><mn>1</mn><mo stretchy="false">)</mo></mrow>"#),
  Formula(.inline, #"a \cdot b"#, #"<mrow><mi>a</mi><mo>⋅</mo><mi>b</mi></mrow>"#),
  Formula(
    .inline, #"p(\cdot \mid x)"#,
    #"<mrow><mi>p</mi><mo stretchy="false">(</mo><mo lspace="0" rspace="0">⋅</mo><mo stretchy="false">∣</mo>"#
      + #"<mi>x</mi><mo stretchy="false">)</mo></mrow>"#),
  Formula(.inline, #"x^2"#, #"<msup><mi>x</mi><mn>2</mn></msup>"#),
  Formula(.inline, #"x_i^2"#, #"<msubsup><mi>x</mi><mi>i</mi><mn>2</mn></msubsup>"#),
  Formula(.inline, #"x^2_i"#, #"<msubsup><mi>x</mi><mi>i</mi><mn>2</mn></msubsup>"#),
  Formula(.inline, #"x^10"#, #"<mrow><msup><mi>x</mi><mn>1</mn></msup><mn>0</mn></mrow>"#),
  Formula(.inline, #"f'"#, #"<mrow><mi>f</mi><mo form="postfix">′</mo></mrow>"#),
  Formula(
    .inline, #"f''(x)"#,
    #"<mrow><mi>f</mi><mo form="postfix">″</mo><mo stretchy="false">(</mo><mi>x</mi><mo stretchy="false">)"#
      + #"</mo></mrow>"#),
  Formula(
    .inline, #"x_1'^2"#,
    #"<msubsup><mi>x</mi><mn>1</mn><mrow><mo form="postfix">′</mo><mn>2</mn></mrow></msubsup>"#),
  Formula(.inline, #"{}_a X"#, #"<mrow><msub><mrow></mrow><mi>a</mi></msub><mi>X</mi></mrow>"#),
  Formula(
    .inline, #"\theta\Gamma\epsilon\varepsilon"#,
    #"<mrow><mi>θ</mi><mi mathvariant="normal">Γ</mi><mi>ϵ</mi><mi>ε</mi></mrow>"#),
  Formula(
    .inline, #"\partial\nabla\infty"#,
    #"<mrow><mi>∂</mi><mi mathvariant="normal">∇</mi><mi mathvariant="normal">∞</mi></mrow>"#),
  Formula(.inline, #"y \sim x"#, #"<mrow><mi>y</mi><mo>∼</mo><mi>x</mi></mrow>"#),
  Formula(
    .inline, #"x := 1"#,
    #"<mrow><mi>x</mi><mo lspace="0.278em" rspace="0">:</mo><mo lspace="0">=</mo><mn>1</mn></mrow>"#),
  Formula(.inline, #"a \le b \ne c"#, #"<mrow><mi>a</mi><mo>≤</mo><mi>b</mi><mo>≠</mo><mi>c</mi></mrow>"#),
  Formula(.inline, #"x \not= y \not\in z"#, #"<mrow><mi>x</mi><mo>≠</mo><mi>y</mi><mo>∉</mo><mi>z</mi></mrow>"#),
  Formula(
    .inline, #"X \perp\!\!\!\perp Y"#,
    #"<mrow><mi>X</mi><mrow><mspace width="0.278em"/><mpadded width="0.22em"><mo lspace="0" rspace="0">⟂</mo>"#
      + #"</mpadded><mo lspace="0" rspace="0">⟂</mo><mspace width="0.278em"/></mrow><mi>Y</mi></mrow>"#),
  Formula(.inline, #"\frac{a}{b}"#, #"<mfrac><mi>a</mi><mi>b</mi></mfrac>"#),
  Formula(.inline, #"\frac12"#, #"<mfrac><mn>1</mn><mn>2</mn></mfrac>"#),
  Formula(
    .inline, #"\dfrac{a}{b}"#,
    #"<mstyle displaystyle="true" scriptlevel="0"><mfrac><mi>a</mi><mi>b</mi></mfrac></mstyle>"#),
  Formula(
    .inline, #"\binom{n}{k}"#,
    #"<mrow><mo form="prefix" stretchy="true">(</mo><mfrac linethickness="0"><mi>n</mi><mi>k</mi></mfrac>"#
      + #"<mo form="postfix" stretchy="true">)</mo></mrow>"#),
  Formula(.inline, #"\sqrt{x}"#, #"<msqrt><mi>x</mi></msqrt>"#),
  Formula(.inline, #"\sqrt[3]{x}"#, #"<mroot><mi>x</mi><mn>3</mn></mroot>"#),
  Formula(
    .display, #"\sum_{i=1}^n x_i"#,
    #"<mrow><munderover><mo>∑</mo><mrow><mi>i</mi><mo lspace="0" rspace="0">=</mo><mn>1</mn></mrow><mi>n</mi>"#
      + #"</munderover><msub><mi>x</mi><mi>i</mi></msub></mrow>"#),
  Formula(
    .inline, #"\sum\limits_i x"#,
    #"<mrow><munder><mo movablelimits="false">∑</mo><mi>i</mi></munder><mi>x</mi></mrow>"#),
  Formula(
    .display, #"\int_0^1 f\,dx"#,
    #"<mrow><msubsup><mo>∫</mo><mn>0</mn><mn>1</mn></msubsup><mi>f</mi><mspace width="0.167em"/><mi>d</mi>"#
      + #"<mi>x</mi></mrow>"#),
  Formula(
    .display, #"\lim_{n \to \infty} a_n"#,
    #"<mrow><munder><mi>lim</mi><mrow><mi>n</mi><mo lspace="0" rspace="0">→</mo><mi mathvariant="normal">∞"#
      + #"</mi></mrow></munder><mo rspace="0.167em">&#x2061;</mo><msub><mi>a</mi><mi>n</mi></msub></mrow>"#),
  Formula(
    .inline, #"\lim_{n} a_n"#,
    #"<mrow><msub><mi>lim</mi><mi>n</mi></msub><mo rspace="0.167em">&#x2061;</mo><msub><mi>a</mi><mi>n</mi>"#
      + #"</msub></mrow>"#),
  Formula(.inline, #"\log x"#, #"<mrow><mi>log</mi><mo rspace="0.167em">&#x2061;</mo><mi>x</mi></mrow>"#),
  Formula(
    .inline, #"2\log(x)"#,
    #"<mrow><mn>2</mn><mspace width="0.167em"/><mi>log</mi><mo>&#x2061;</mo><mo stretchy="false">(</mo><mi>x"#
      + #"</mi><mo stretchy="false">)</mo></mrow>"#),
  Formula(
    .inline, #"\log\log x"#,
    #"<mrow><mi>log</mi><mo rspace="0.167em">&#x2061;</mo><mi>log</mi><mo rspace="0.167em">&#x2061;</mo><mi>x"#
      + #"</mi></mrow>"#),
  Formula(
    .inline, #"\operatorname{logit} p"#,
    #"<mrow><mi>logit</mi><mo rspace="0.167em">&#x2061;</mo><mi>p</mi></mrow>"#),
  Formula(
    .display, #"\operatorname*{arg\,max}_x f"#,
    #"<mrow><munder><mi>arg\#u{2009}max</mi><mi>x</mi></munder><mo rspace="0.167em">&#x2061;</mo><mi>f</mi>"#
      + #"</mrow>"#),
  Formula(
    .inline, #"\left( x \right)"#,
    #"<mrow><mo form="prefix" stretchy="true">(</mo><mi>x</mi><mo form="postfix" stretchy="true">)</mo></mrow>"#),
  Formula(
    .inline, #"\left. x \right|_0"#,
    #"<msub><mrow><mi>x</mi><mo form="postfix" stretchy="true">|</mo></mrow><mn>0</mn></msub>"#),
  Formula(
    .inline, #"\left\{ x \,\middle|\, y \right\}"#,
    #"<mrow><mo form="prefix" stretchy="true">{</mo><mi>x</mi><mspace width="0.167em"/>"#
      + #"<mo form="infix" stretchy="true" lspace="0" rspace="0">|</mo><mspace width="0.167em"/><mi>y</mi>"#
      + #"<mo form="postfix" stretchy="true">}</mo></mrow>"#),
  Formula(
    .inline, #"|x|"#,
    #"<mrow><mo stretchy="false" lspace="0" rspace="0">|</mo><mi>x</mi>"#
      + #"<mo stretchy="false" lspace="0" rspace="0">|</mo></mrow>"#),
  Formula(
    .inline, #"\lvert x \rvert"#,
    #"<mrow><mo form="prefix" stretchy="false">|</mo><mi>x</mi><mo form="postfix" stretchy="false">|</mo>"#
      + #"</mrow>"#),
  Formula(
    .inline, #"\bigl( x \bigr)"#,
    #"<mrow><mo form="prefix" stretchy="true" minsize="1.2em" maxsize="1.2em">(</mo><mi>x</mi>"#
      + #"<mo form="postfix" stretchy="true" minsize="1.2em" maxsize="1.2em">)</mo></mrow>"#),
  Formula(.inline, #"\hat x"#, #"<mover><mi>x</mi><mo stretchy="false">^</mo></mover>"#),
  Formula(
    .inline, #"\widehat{xy}"#,
    #"<mover><mrow><mi>x</mi><mi>y</mi></mrow><mo stretchy="true">\#u{302}</mo></mover>"#),
  Formula(
    .inline, #"\overline{xy}"#,
    #"<mover><mrow><mi>x</mi><mi>y</mi></mrow><mo stretchy="true">\#u{332}</mo></mover>"#),
  Formula(
    .display, #"\underbrace{x}_{n}"#,
    #"<munder><munder><mi>x</mi><mo stretchy="true">⏟</mo></munder><mi>n</mi></munder>"#),
  Formula(.inline, #"\mathrm{d}x"#, #"<mrow><mi mathvariant="normal">d</mi><mi>x</mi></mrow>"#),
  Formula(
    .inline, #"\mathrm{Normal}(0, 1)"#,
    #"<mrow><mi>Normal</mi><mo stretchy="false">(</mo><mn>0</mn><mo>,</mo><mn>1</mn><mo stretchy="false">)"#
      + #"</mo></mrow>"#),
  Formula(.inline, #"\mathbf{A1}"#, #"<mrow><mi>𝐀</mi><mn>𝟏</mn></mrow>"#),
  Formula(
    .inline, #"\mathbb{RQ}\mathcal{HN}\mathfrak{C}"#,
    #"<mrow><mrow><mi>ℝ</mi><mi>ℚ</mi></mrow><mrow><mi>ℋ</mi><mi>𝒩</mi></mrow><mi>ℭ</mi></mrow>"#),
  Formula(.inline, #"\mathit{h}"#, #"<mi>ℎ</mi>"#),
  Formula(.inline, #"\boldsymbol{\beta}\bm\Sigma"#, #"<mrow><mi>𝜷</mi><mi>𝚺</mi></mrow>"#),
  Formula(.inline, #"\text{if } x"#, #"<mrow><mtext>if\#u{A0}</mtext><mi>x</mi></mrow>"#),
  Formula(
    .inline, #"\text{a $x^2$ \textbf{b}}"#,
    #"<mrow><mtext>a\#u{A0}</mtext><msup><mi>x</mi><mn>2</mn></msup><mtext>\#u{A0}</mtext><mtext>𝐛</mtext>"#
      + #"</mrow>"#),
  Formula(
    .inline, #"a\quad b\ c"#,
    #"<mrow><mi>a</mi><mspace width="1em"/><mi>b</mi><mspace width="0.25em"/><mi>c</mi></mrow>"#),
  Formula(
    .inline, #"\begin{pmatrix} a & b \\ c & d \end{pmatrix}"#,
    #"<mrow><mo form="prefix" stretchy="true">(</mo><mtable><mtr><mtd><mi>a</mi></mtd><mtd><mi>b</mi></mtd>"#
      + #"</mtr><mtr><mtd><mi>c</mi></mtd><mtd><mi>d</mi></mtd></mtr></mtable><mo form="postfix" stretchy="true">)"#
      + #"</mo></mrow>"#),
  Formula(
    .display, #"f = \begin{cases} 1 & x > 0 \\ 0 & \text{else} \end{cases}"#,
    #"<mrow><mi>f</mi><mo>=</mo><mrow><mo form="prefix" stretchy="true">{</mo><mtable><mtr>"#
      + #"<mtd columnalign="left"><mn>1</mn></mtd><mtd columnalign="left"><mi>x</mi><mo>&gt;</mo><mn>0</mn></mtd>"#
      + #"</mtr><mtr><mtd columnalign="left"><mn>0</mn></mtd><mtd columnalign="left"><mtext>else</mtext></mtd>"#
      + #"</mtr></mtable></mrow></mrow>"#),
  Formula(
    .display, #"\begin{aligned} a &= b \\ &- c \end{aligned}"#,
    #"<mtable displaystyle="true" columnspacing="0"><mtr><mtd columnalign="right"><mi>a</mi></mtd>"#
      + #"<mtd columnalign="left"><mo form="infix">=</mo><mi>b</mi></mtd></mtr><mtr><mtd columnalign="right">"#
      + #"</mtd><mtd columnalign="left"><mo form="infix">−</mo><mi>c</mi></mtd></mtr></mtable>"#),
  Formula(
    .inline, #"\begin{array}{lr} a & b \\[1em] c \end{array}"#,
    #"<mtable><mtr><mtd columnalign="left"><mi>a</mi></mtd><mtd columnalign="right"><mi>b</mi>"#
      + #"<mspace width="0" depth="1.36em"/></mtd></mtr><mtr><mtd columnalign="left"><mi>c</mi></mtd></mtr>"#
      + #"</mtable>"#),
  Formula(
    .display, #"\sum_{\substack{i \\ j}} x"#,
    #"<mrow><munder><mo>∑</mo><mtable><mtr><mtd><mi>i</mi></mtd></mtr><mtr><mtd><mi>j</mi></mtd></mtr>"#
      + #"</mtable></munder><mi>x</mi></mrow>"#),
  Formula(.inline, #"\overset{d}{\to}"#, #"<mover><mo form="infix">→</mo><mi>d</mi></mover>"#),
  Formula(.inline, #"\underset{x}{y}"#, #"<munder><mi>y</mi><mi>x</mi></munder>"#),
  Formula(
    .inline, #"x \xrightarrow{d} y"#,
    #"<mrow><mi>x</mi><mover><mo form="infix" stretchy="true">→</mo><mi>d</mi></mover><mi>y</mi></mrow>"#),
  Formula(
    .inline, #"\phantom{x}\vphantom{x}"#,
    #"<mrow><mphantom><mi>x</mi></mphantom><mpadded width="0"><mphantom><mi>x</mi></mphantom></mpadded></mrow>"#),
  Formula(.inline, #"x % comment"#, #"<mi>x</mi>"#),
  Formula(
    .display, #"x \tag{1} \label{eq}"#,
    #"<mrow><mi>x</mi><mspace width="2em"/><mrow><mtext>(</mtext><mtext>1</mtext><mtext>)</mtext></mrow>"#
      + #"</mrow>"#),
  Formula(.inline, #"\displaystyle x"#, #"<mstyle displaystyle="true" scriptlevel="0"><mi>x</mi></mstyle>"#),
  Formula(
    .inline, #"1, \dots, n"#,
    #"<mrow><mn>1</mn><mo>,</mo><mo lspace="0" rspace="0.167em">…</mo><mo>,</mo><mi>n</mi></mrow>"#),
  Formula(.inline, #"a \bmod b"#, #"<mrow><mi>a</mi><mo>mod</mo><mi>b</mi></mrow>"#),
  Formula(
    .inline, #"a \mathrel{R} b"#,
    #"<mrow><mi>a</mi><mrow><mspace width="0.278em"/><mi>R</mi><mspace width="0.278em"/></mrow><mi>b</mi>"#
      + #"</mrow>"#),
  Formula(
    .inline, #"≤ Σ ∑ é 数"#,
    #"<mrow><mo form="infix">≤</mo><mi mathvariant="normal">Σ</mi><mo>∑</mo><mi>é</mi><mi>数</mi></mrow>"#),
]

private let mistakes: [FormulaMistake] = [
  FormulaMistake(#""#, #"this formula is empty"#, at: 0, 0),
  FormulaMistake(#"a^"#, #"nothing follows this `^`"#, help: #"write `\hat{}` for the sign"#, at: 1, 1),
  FormulaMistake(#"x^a^b"#, #"a second superscript"#, help: #"put braces around the first: `{x^a}^b`"#, at: 3, 1),
  FormulaMistake(#"x_a_b"#, #"a second subscript"#, help: #"put braces around the first: `{x_a}_b`"#, at: 3, 1),
  FormulaMistake(#"\frac{1}"#, #"an argument of `\frac` is missing"#, at: 0, 5),
  FormulaMistake(#"\sqrt"#, #"an argument of `\sqrt` is missing"#, at: 0, 5),
  FormulaMistake(#"{x"#, #"this `{` is never closed"#, at: 0, 1),
  FormulaMistake(#"x}"#, #"this `}` closes nothing"#, help: #"write `\}` for a brace that shows"#, at: 1, 1),
  FormulaMistake(
    #"\left( x"#, #"this `\left` has no `\right`"#,
    help: #"write `\right.` where nothing closes it"#, at: 0, 5),
  FormulaMistake(#"x \right)"#, #"this `\right` has no `\left`"#, at: 2, 6),
  FormulaMistake(#"\left x \right)"#, #"`\left` wants a delimiter"#, help: #"write `\left.` for none"#, at: 0, 6),
  FormulaMistake(#"\middle| x"#, #"this `\middle` is not between `\left` and `\right`"#, at: 0, 7),
  FormulaMistake(#"\aplha"#, #"unknown command `\aplha`"#, help: #"did you mean `\alpha`?"#, at: 0, 6),
  FormulaMistake(#"\begin{aligned} x"#, #"this `\begin{aligned}` has no `\end`"#, at: 0, 6),
  FormulaMistake(
    #"\begin{algined} x \end{algined}"#, #"unknown environment `algined`"#,
    help: #"did you mean `aligned`?"#, at: 0, 15),
  FormulaMistake(
    #"\begin{matrix} x \end{pmatrix}"#, #"this `\end` does not belong to `\begin{matrix}`"#,
    help: #"write `\end{matrix}`"#, at: 17, 13),
  FormulaMistake(#"x \end{matrix}"#, #"this `\end` has no `\begin`"#, at: 2, 12),
  FormulaMistake(
    #"a & b"#, #"`&` stands outside of a table"#,
    help: #"put it inside `\begin{aligned} … \end{aligned}`"#, at: 2, 1),
  FormulaMistake(
    #"a \\ b"#, #"`\\` stands outside of a table"#,
    help: #"put the lines inside `\begin{aligned} … \end{aligned}`"#, at: 2, 2),
  FormulaMistake(
    #"\color{red} x"#, #"colors are left to the report"#,
    help: #"`\boldsymbol` or `\underbrace` set a part off"#, at: 0, 11),
  FormulaMistake(
    #"\textcolor{red}{x}"#, #"colors are left to the report"#,
    help: #"`\boldsymbol` or `\underbrace` set a part off"#, at: 0, 18),
  FormulaMistake(
    #"\newcommand{\foo}{x}"#, #"`\newcommand` is not supported: each formula stands alone"#,
    help: #"write `\operatorname{name}` for a function, or the definition in full"#, at: 0, 20),
  FormulaMistake(
    #"a \over b"#, #"`\over` between its parts is not supported"#,
    help: #"write `\frac{…}{…}`"#, at: 2, 5),
  FormulaMistake(
    #"\begin{array}{l|r} a & b \end{array}"#, #"lines inside of tables are not drawn"#,
    help: #"leave `|` out"#, at: 14, 3),
  FormulaMistake(#"\begin{array} a \end{array}"#, #"`array` wants its columns, as in `\begin{array}{lcr}`"#, at: 0, 13),
  FormulaMistake(#"\text{a $x}"#, #"this `$` is never closed"#, at: 8, 1),
  FormulaMistake(
    #"\text{a \alpha}"#, #"`\alpha` is for formulas, not for words"#,
    help: #"write `$…$` around it"#, at: 8, 6),
  FormulaMistake(#"\limits_x"#, #"`\limits` follows no sum, integral or function"#, at: 0, 7),
  FormulaMistake(#"\not"#, #"`\not` strikes out a sign, and none follows"#, at: 0, 4),
  FormulaMistake(#"\hline"#, #"lines inside of tables are not drawn"#, help: #"leave `\hline` out"#, at: 0, 6),
  FormulaMistake(#"\bigl x"#, #"`\bigl` wants a delimiter"#, at: 0, 6),
  FormulaMistake(#"x\"#, #"a backslash without a command"#, at: 1, 1),
  FormulaMistake(#"\operatorname"#, #"an argument of `\operatorname` is missing"#, at: 0, 13),
  FormulaMistake(#"\href{a}{b}"#, #"`\href` is not supported in formulas"#, at: 0, 11),
  FormulaMistake(
    #"{ \left( x }"#, #"this `\left` has no `\right`"#,
    help: #"write `\right.` where nothing closes it"#, at: 2, 5),
]

@Suite("Mathematics")
struct MathematicsTests {
  /// The formula's markup, without what is around every formula.
  private func inner(_ tex: String, isDisplay: Bool = false) -> String {
    let markup = Mathematics.mathML(tex, isDisplay: isDisplay).markup
    guard let begin = markup.range(of: "<semantics>"), let end = markup.range(of: "<annotation ") else { return markup }
    return String(markup[begin.upperBound..<end.lowerBound])
  }

  @Test("A formula has its markup and no problem", arguments: formulas)
  func table(_ formula: Formula) {
    #expect(inner(formula.tex, isDisplay: formula.place == .display) == formula.markup)
    #expect(Mathematics.mathML(formula.tex, isDisplay: formula.place == .display).problems == [])
  }

  @Test("The element says whether it is displayed and holds its source")
  func wrapping() {
    #expect(
      Mathematics.mathML("a<b", isDisplay: true).markup
        == "<math display=\"block\"><semantics><mrow><mi>a</mi><mo>&lt;</mo><mi>b</mi></mrow>"
        + "<annotation encoding=\"application/x-tex\">a&lt;b</annotation></semantics></math>")
    #expect(Mathematics.mathML("a", isDisplay: false).markup.hasPrefix("<math><semantics><mi>a</mi>"))
  }

  @Test("A mistake is told once, where it is", arguments: mistakes)
  func mistake(_ mistake: FormulaMistake) {
    let problems = Mathematics.mathML(mistake.tex, isDisplay: true).problems
    #expect(
      problems == [
        Mathematics.Problem(
          message: mistake.message, help: mistake.help, offset: mistake.offset, length: mistake.length)
      ])
  }

  @Test("What is not understood shows as it is written, and the rest as a formula")
  func errorsShow() {
    #expect(
      inner(#"a + \foo"#) == #"<mrow><mi>a</mi><mo>+</mo><merror><mtext>\foo</mtext></merror></mrow>"#)
    #expect(inner(#"\frac{1}"#) == #"<mfrac><mn>1</mn><merror><mtext>\frac</mtext></merror></mfrac>"#)
    #expect(
      inner(#"\color{red} x"#) == #"<mrow><merror><mtext>\color{red}</mtext></merror><mi>x</mi></mrow>"#)
    #expect(inner("x^a^b").hasPrefix("<mrow><msup><mi>x</mi><mi>a</mi></msup>"))
    #expect(inner(#"\begin{foo} a \end{foo}"#).contains(#"<mtext>\begin{foo}</mtext>"#))
  }

  @Test("Every letter of an alphabet has a character of its own")
  func alphabets() {
    for font in ["mathbf", "mathit", "mathsf", "mathtt", "mathbb", "mathcal", "mathfrak", "boldsymbol"] {
      var seen: Set<String> = []
      for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" {
        let markup = inner("\\\(font){\(letter)}")
        #expect(seen.insert(markup).inserted)
        for scalar in markup.unicodeScalars { #expect(scalar.properties.generalCategory != .unassigned) }
      }
    }
  }

  @Test("Every formula in the page of the subset is understood")
  func page() throws {
    let page = try String(contentsOf: Checkout.root.appendingPathComponent("docs/mathematics.md"), encoding: .utf8)
    var count = 0
    for line in page.split(separator: "\n") where line.hasPrefix("| ") {
      let pieces = line.split(separator: "`", omittingEmptySubsequences: false)
      guard pieces.count > 2, pieces[1].hasPrefix("$") else { continue }
      let isDisplay = pieces[1].hasPrefix("$$")
      let tex = String(pieces[1].dropFirst(isDisplay ? 2 : 1).dropLast(isDisplay ? 2 : 1))
      #expect(Mathematics.mathML(tex, isDisplay: isDisplay).problems == [], "\(tex)")
      count += 1
    }
    #expect(count > 30)
  }

  // MARK: - Laws

  private static let elements: Set<String> = [
    "math", "semantics", "annotation", "mrow", "mi", "mn", "mo", "mtext", "mspace", "msup", "msub", "msubsup", "munder",
    "mover", "munderover", "mfrac", "msqrt", "mroot", "mtable", "mtr", "mtd", "mstyle", "mpadded", "mphantom", "merror",
  ]
  private static let attributes: Set<String> = [
    "display", "encoding", "mathvariant", "form", "stretchy", "minsize", "maxsize", "movablelimits", "lspace", "rspace",
    "width", "height", "depth", "linethickness", "displaystyle", "scriptlevel", "columnalign", "columnspacing",
  ]
  /// How many children MathML wants.
  private static let arity: [String: Int] = [
    "msup": 2, "msub": 2, "msubsup": 3, "munder": 2, "mover": 2, "munderover": 3, "mfrac": 2, "mroot": 2,
    "semantics": 2,
  ]

  /// Checks that markup is XML of the elements and attributes above and no others.
  private final class Checker: NSObject, XMLParserDelegate {
    var faults: [String] = []
    private var counts: [Int] = [0]

    static func faults(in markup: String) -> [String] {
      let checker = Checker()
      let parser = XMLParser(data: Data(markup.utf8))
      parser.delegate = checker
      if !parser.parse() { checker.faults.append("not well formed: \(String(describing: parser.parserError))") }
      return checker.faults
    }

    func parser(
      _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
      attributes: [String: String]
    ) {
      counts[counts.count - 1] += 1
      counts.append(0)
      if !MathematicsTests.elements.contains(name) { faults.append("element \(name)") }
      for (key, value) in attributes {
        if !MathematicsTests.attributes.contains(key) { faults.append("attribute \(key)") }
        if value.utf8.count > 20 || !value.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) {
          faults.append("value \(value)")
        }
      }
    }

    func parser(
      _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
    ) {
      let count = counts.removeLast()
      if let wanted = MathematicsTests.arity[name], wanted != count { faults.append("\(name) has \(count) children") }
    }
  }

  /// Holds any text to what is true of all.
  private func check(_ tex: String, _ label: String) {
    for isDisplay in [false, true] {
      let (markup, problems) = Mathematics.mathML(tex, isDisplay: isDisplay)
      #expect(Checker.faults(in: markup) == [], "\(label): \(tex)")
      let again = Mathematics.mathML(tex, isDisplay: isDisplay)
      #expect(again.markup == markup && again.problems == problems, "\(label)")
      for problem in problems {
        #expect(problem.offset >= 0 && problem.length >= 0, "\(label)")
        #expect(problem.offset + problem.length <= tex.utf8.count, "\(label): \(tex)")
        #expect(!problem.message.isEmpty)
      }
      #expect(!markup.contains("<merror>") || !problems.isEmpty, "\(label): \(tex)")
    }
  }

  private static let pieces = [
    "{", "}", "{", "}", "^", "_", "&", "\\\\", "'", " ", "a", "1", ".", ",", "-", "=", "|", "(", ")", "[", "]", "%\n",
    "~", "$",
    "\\frac", "\\sqrt", "\\sum", "\\int", "\\lim", "\\log", "\\alpha", "\\le", "\\mid", "\\left", "\\right", "\\middle",
    "\\left(", "\\right)", "\\bigl(", "\\hat", "\\overline", "\\underbrace", "\\mathbf", "\\mathrm", "\\text",
    "\\text{",
    "\\operatorname", "\\operatorname*", "\\begin{aligned}", "\\end{aligned}", "\\begin{cases}", "\\end{cases}",
    "\\begin{array}{lc}", "\\end{array}", "\\begin", "\\end", "\\stackrel", "\\limits", "\\not", "\\perp", "\\!", "\\,",
    "\\tag", "\\label", "\\displaystyle", "\\substack", "\\phantom", "\\color", "\\newcommand", "\\unknown", "\\", "<",
    ">",
    "\"", "é", "𝛼", "\u{301}", "\u{0}", "\\mathrel", "\\xrightarrow", "\\dots", "\\binom", "\\pmod", "\\[", "\\big",
    "\\cal",
  ]

  @Test("Any pieces of the subset give sound markup", arguments: 0..<8)
  func randomPieces(_ block: Int) {
    for number in 0..<250 {
      let seed = UInt64(block * 1000 + number)
      var cases = Cases(seed: seed)
      let tex = (0..<cases.below(40)).map { _ in cases.pick(Self.pieces) }.joined()
      check(tex, "seed \(seed)")
    }
  }

  @Test("Formulas of the table with pieces exchanged give sound markup")
  func randomEdits() {
    for number in 0..<600 {
      let seed = UInt64(90_000 + number)
      var cases = Cases(seed: seed)
      var characters = Array(cases.pick(formulas).tex)
      for _ in 0..<(1 + cases.below(3)) where !characters.isEmpty {
        let place = cases.below(characters.count)
        if cases.chance(50) {
          characters.remove(at: place)
        } else {
          characters.replaceSubrange(place..<place, with: Array(cases.pick(Self.pieces)))
        }
      }
      check(String(characters), "seed \(seed)")
    }
  }

  @Test("Any bytes give sound markup")
  func randomBytes() {
    for number in 0..<600 {
      let seed = UInt64(50_000 + number)
      var cases = Cases(seed: seed)
      let bytes = (0..<cases.below(60)).map { _ in
        cases.chance(60) ? UInt8(0x20 + cases.below(0x5F)) : UInt8(cases.below(256))
      }
      check(String(decoding: bytes, as: UTF8.self), "seed \(seed)")
    }
  }

  @Test(
    "Hostile text has no effect",
    arguments: [
      "</math><script>alert(1)</script>", #"\text{</mtext><img src=x onerror=alert(1)>}"#,
      #"\href{javascript:alert(1)}{x}"#,
      #"\style{color:red}{x}"#, #"\begin{\"><script>}x\end{\"><script>}"#,
      #"\begin{array}{\" onclick=\"x}a\end{array}"#,
      #"\\["><b>]"#, #"\operatorname{<b>}"#, #"\mathbf{"'&<>}"#, "]]>", "<!--", "&lt;&#60;", "\u{202E}x\u{2066}",
      "\u{FFFE}\u{FFFF}",
      #"\class{x" onload="y}{z}"#, #"\tag{<b>}"#, #"\<script>"#, "x\u{0}\u{1B}[31m", "-->", "</annotation><script>",
    ])
  func hostile(_ tex: String) { check(tex, "hostile") }

  @Test("The longest formulas of one piece are read, in time that grows as their length")
  func longFormulas() {
    let clock = ContinuousClock()
    let pieces = [
      "{", "}", "\\frac", "x^", "x_", "^", "\\sqrt{", "\\left(", "\\right)", "\\begin{matrix}", "\\text{", "\\text{$",
      "\\displaystyle",
      "\\sqrt[", "\\hat", "'", "\\not", "\\perp\\!", "\\x", "&", "\\\\", "\\log ", "\\log\\,", "a", "1", "1.", "\\tag{",
      "\\substack{",
      "\\begin{x}", "\\end{x}", "\\operatorname*", "\\mathrm{a", "%", "\u{301}", "\\overset a", "x\\limits", "{}",
      "\\over", "\\mathrel",
      "\\begin{array}", "\\underbrace", "\\text\\text", "\\xrightarrow[", "\\color", "\\begin{aligned}&",
      "\\left.\\middle|",
    ]
    for piece in pieces {
      let count = 20_000 / piece.utf8.count
      let long = String(repeating: piece, count: count)
      var markup = ""
      let time = clock.measure { markup = Mathematics.mathML(long, isDisplay: true).markup }
      // Measured at under 30 ms each; quadratic time would take seconds.
      #expect(time < .seconds(2), "\(piece)")
      // Foundation's XML reader gives up on text nodes and nesting that browsers take: balance is checked by counting.
      #expect(markup.utf8.count < 4_000_000, "\(piece)")
      #expect(Self.isBalanced(markup), "\(piece)")
    }
    let (markup, problems) = Mathematics.mathML(String(repeating: "x", count: 20_001), isDisplay: false)
    #expect(problems.count == 1 && markup.contains("<merror>"))
  }

  private static func isBalanced(_ markup: String) -> Bool {
    var open: [ArraySlice<UInt8>] = []
    for piece in Array(markup.utf8).split(separator: UInt8(ascii: "<")) {
      let tag = piece.prefix { $0 != UInt8(ascii: ">") }
      if tag.first == UInt8(ascii: "/") {
        if open.popLast() != tag.dropFirst() { return false }
      } else if tag.last != UInt8(ascii: "/") {
        open.append(tag.prefix { $0 != UInt8(ascii: " ") })
      }
    }
    return open.isEmpty
  }

  @Test("Many levels of groups are read, and more are told")
  func depth() {
    let shallow = String(repeating: "{", count: 40) + "x" + String(repeating: "}", count: 40)
    #expect(Mathematics.mathML(shallow, isDisplay: false).problems == [])
    let deep = String(repeating: "{", count: 200) + "x" + String(repeating: "}", count: 200) + "y"
    let (markup, problems) = Mathematics.mathML(deep, isDisplay: false)
    #expect(problems.map(\.message) == ["this is nested deeper than 100 levels"])
    #expect(markup.contains("<mi>y</mi>"))
  }
}
