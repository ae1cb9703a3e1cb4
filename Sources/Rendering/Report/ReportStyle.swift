/// The style of a report: colors by custom properties, which its drawings share.
enum ReportStyle {
  /// Colors of the page beside those of its drawings, for light and dark.
  private static let lightColors = """
    --page:#fff;--text:#2b3036;--quiet:#545b64;--line:#dfe2e7;--panel:#f6f7f9;--link:#0b5cad;--focus:#0b5cad;\
    --good:#00694d;--poor:#9a3400;--bad:#b00020;--good-bg:#eef8f4;--poor-bg:#fdf3ea;--bad-bg:#fdeff0;\
    --c-keyword:#7b3fa0;--c-type:#0b666e;--c-function:#1a57a0;--c-string:#8f3b00;--c-number:#1c56ad;--c-comment:#5c646e;\
    color-scheme:light
    """
  private static let darkColors = """
    --page:#15181c;--text:#dde1e6;--quiet:#a7afb9;--line:#343a42;--panel:#1d2126;--link:#7cbcff;--focus:#7cbcff;\
    --good:#4fd0a5;--poor:#f2a35e;--bad:#ff8a95;--good-bg:#15261f;--poor-bg:#2a2017;--bad-bg:#2c191c;\
    --c-keyword:#d9a8f7;--c-type:#6fd3c7;--c-function:#8fc2ff;--c-string:#f2ab7c;--c-number:#9cc7ff;--c-comment:#9aa4b0;\
    color-scheme:dark
    """

  static let css = """
    :root{\(lightColors);\(SVGTheme.lightVariables)}
    @media (prefers-color-scheme:dark){:root:not([data-theme=light]){\(darkColors);\(SVGTheme.darkVariables)}}
    :root[data-theme=dark]{\(darkColors);\(SVGTheme.darkVariables)}
    \(SVGTheme.rules)
    \(layout)
    \(text)
    \(cells)
    \(figures)
    \(checks)
    \(Mathematics.styleSheet)
    \(print)
    """

  private static let layout = """
    *{box-sizing:border-box}
    html{scroll-padding-top:1rem;-webkit-text-size-adjust:100%}
    body{margin:0;background:var(--page);color:var(--text);line-height:1.6;
    font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Helvetica Neue",Arial,sans-serif}
    .page{max-width:54rem;margin:0 auto;padding:1.5rem 1.25rem 4rem}
    .skip{position:absolute;left:-99rem}
    .skip:focus{left:1rem;top:.5rem;background:var(--page);padding:.3rem .8rem;z-index:2}
    .switch{position:absolute;opacity:0;pointer-events:none}
    .page:has(.switch:checked) details.code{display:none}
    label.tool:has(.switch:checked){background:var(--text);color:var(--page)!important}
    label.tool:has(.switch:focus-visible){outline:2px solid var(--focus);outline-offset:2px}
    :focus-visible{outline:2px solid var(--focus);outline-offset:2px}
    main:focus{outline:none}
    .tools{display:flex;gap:.5rem;justify-content:flex-end;flex-wrap:wrap;font-size:.82rem}
    .tools .tool,.tools a{font:inherit;color:var(--quiet);background:none;border:1px solid var(--line);
    border-radius:.3rem;padding:.15rem .7rem;cursor:pointer;text-decoration:none}
    .tools .tool:hover,.tools a:hover{color:var(--text);border-color:var(--quiet)}
    .contents{font-size:.88rem}
    .contents ul{list-style:none;margin:.2rem 0;padding:0}
    .contents li{margin:.28rem 0;line-height:1.35}
    .contents li.l3{padding-left:.9rem}.contents li.l4,.contents li.l5,.contents li.l6{padding-left:1.8rem}
    .contents a{color:var(--quiet);text-decoration:none}
    .contents a:hover,.contents a[aria-current]{color:var(--link)}
    .contents a[aria-current]{font-weight:600}
    .contents-title{font-weight:600;margin:0 0 .4rem}
    .contents.wide{display:none}
    .contents.narrow{border:1px solid var(--line);border-radius:.4rem;padding:.5rem .9rem;margin:1rem 0}
    @media (min-width:72rem){
    .page.with-contents{max-width:70.5rem;display:grid;grid-template-columns:14rem minmax(0,51.5rem);column-gap:2.5rem}
    .with-contents>header,.with-contents>main,.with-contents>footer{grid-column:2}
    .with-contents>.wide{display:block;grid-column:1;grid-row:1/span 3;position:sticky;top:1.5rem;align-self:start;
    max-height:calc(100vh - 3rem);overflow-y:auto;padding-right:.5rem}
    .with-contents>.narrow{display:none}}
    @media (prefers-reduced-motion:no-preference){html{scroll-behavior:smooth}}
    """

  private static let text = """
    h1{font-size:2rem;line-height:1.2;margin:1.2rem 0 .3rem;text-wrap:balance}
    h2{font-size:1.4rem;line-height:1.3;margin:2.4rem 0 .6rem}
    h3{font-size:1.15rem;margin:1.8rem 0 .5rem}
    h4,h5,h6{font-size:1rem;margin:1.4rem 0 .4rem}
    p{margin:.75rem 0}
    a{color:var(--link)}
    .subtitle{font-size:1.15rem;color:var(--quiet);margin:.2rem 0}
    .byline{color:var(--quiet);margin:.2rem 0}
    .abstract{border-left:3px solid var(--line);padding-left:1rem;color:var(--quiet)}
    .anchor{opacity:0;text-decoration:none;font-weight:400;padding:0 .2rem;color:var(--quiet)}
    :hover>.anchor,.anchor:focus{opacity:1}
    code,pre{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono","Liberation Mono",monospace;
    font-size:.88em}
    :not(pre)>code{background:var(--panel);border-radius:.2rem;padding:.1em .3em;overflow-wrap:anywhere}
    pre{overflow-x:auto;margin:.6rem 0;line-height:1.5}
    pre code{font-size:1em}
    pre.shown{background:var(--panel);border-radius:.4rem;padding:.7rem .9rem}
    blockquote{margin:.8rem 0;padding:.1rem 0 .1rem 1rem;border-left:3px solid var(--line);color:var(--quiet)}
    hr{border:0;border-top:1px solid var(--line);margin:2rem 0}
    img{max-width:100%;height:auto}
    .tasks{list-style:none;padding-left:.5rem}
    .alert{border-left:4px solid var(--link);background:var(--panel);border-radius:0 .4rem .4rem 0;
    padding:.5rem 1rem;margin:1rem 0}
    .alert>:last-child{margin-bottom:.2rem}
    .alert-title{font-weight:600;margin:.1rem 0 .3rem;color:var(--link)}
    .tip{border-color:var(--good)}.tip .alert-title{color:var(--good)}
    .important{border-color:var(--c-keyword)}.important .alert-title{color:var(--c-keyword)}
    .warning.alert{border-color:var(--poor)}.warning .alert-title{color:var(--poor)}
    .caution{border-color:var(--bad)}.caution .alert-title{color:var(--bad)}
    math{font-family:"Latin Modern Math","STIX Two Math","Cambria Math",math;font-size:1.08em}
    .equation{display:flex;align-items:center;justify-content:center;overflow-x:auto;overflow-y:hidden;
    margin:1rem 0;padding:.2rem 0}
    .equation math{margin:0 auto}
    .equation-number{color:var(--quiet)}
    .value{font-variant-numeric:tabular-nums}
    .failed-value{color:var(--bad)}
    .facts,.glossary{font-size:.88rem}
    .facts{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.15rem 1.2rem;margin:.6rem 0}
    .facts dt{color:var(--quiet)}.facts dd{margin:0;overflow-wrap:anywhere}
    .glossary dt{font-weight:600;margin-top:.5rem}.glossary dd{margin:0}
    summary{cursor:pointer}
    .settings{font-size:.88rem;color:var(--quiet)}
    .footnotes{font-size:.9rem;border-top:1px solid var(--line);margin-top:2.5rem}
    footer{border-top:1px solid var(--line);margin-top:3rem;color:var(--quiet);font-size:.9rem}
    footer h2{font-size:1.05rem;margin:1.6rem 0 .4rem;color:var(--text)}
    footer h3{font-size:.95rem;margin:1rem 0 .3rem}
    @media (max-width:36rem){h1{font-size:1.55rem}.facts{grid-template-columns:1fr;gap:0}.facts dd{margin-bottom:.4rem}}
    """

  private static let cells = """
    .cell{margin:1.1rem 0}
    .cell.empty{margin:0}
    .cell.bad{border-left:3px solid var(--bad);padding-left:.9rem}
    .code{background:var(--panel);border:1px solid var(--line);border-radius:.4rem;font-size:.95rem}
    .code>summary{display:flex;justify-content:space-between;gap:1rem;padding:.2rem .8rem;font-size:.78rem;
    color:var(--quiet);list-style-position:inside}
    .code>summary::before{content:"▸";margin-right:-.5rem}
    .code[open]>summary::before{content:"▾"}
    .code-title{flex:1;overflow-wrap:anywhere}
    .code>pre{margin:0;padding:.1rem .9rem .7rem}
    .badge{white-space:nowrap;font-variant-numeric:tabular-nums}
    .badge.pinned,.badge.volatile{color:var(--poor);font-weight:600}
    .c-keyword{color:var(--c-keyword)}.c-type{color:var(--c-type)}.c-function{color:var(--c-function)}
    .c-string{color:var(--c-string)}.c-number{color:var(--c-number)}.c-comment{color:var(--c-comment)}
    .out{padding:.1rem .9rem;white-space:pre-wrap;overflow-wrap:anywhere}
    .state{color:var(--bad);font-weight:600}
    .message{border-left:4px solid var(--quiet);background:var(--panel);border-radius:0 .4rem .4rem 0;
    padding:.4rem .9rem;margin:.7rem 0}
    .message.error{border-color:var(--bad);background:var(--bad-bg)}
    .message.warning{border-color:var(--poor);background:var(--poor-bg)}
    .message-title{margin:.1rem 0;font-weight:600}
    .error .message-title{color:var(--bad)}.warning .message-title{color:var(--poor)}
    .message pre{margin:.3rem 0;font-size:.82rem}
    .message details{font-size:.85rem}
    .running{opacity:.45;transition:opacity .2s}
    """

  private static let figures = """
    figure{margin:1.4rem 0}
    .drawing{overflow-x:auto}
    .drawing svg{display:block;margin:0 auto}
    figcaption,caption{color:var(--quiet);font-size:.9rem;margin-top:.4rem}
    figcaption{text-align:center;text-wrap:pretty}
    figcaption .number,caption .number{font-weight:600;color:var(--text)}
    caption{text-align:left;padding:.2rem 0}
    .parts{display:grid;gap:1rem}
    .part{min-width:0}
    @media (min-width:40rem){.columns-2{grid-template-columns:1fr 1fr}.columns-3{grid-template-columns:1fr 1fr 1fr}
    .columns-4{grid-template-columns:repeat(4,1fr)}}
    .subcaption{text-align:center;font-size:.88rem;color:var(--quiet);margin:.2rem 0}
    details.data{font-size:.85rem;color:var(--quiet);margin:.3rem 0}
    details.data>summary{width:max-content}
    .alternative{color:var(--quiet)}
    .table{margin:1.1rem 0}
    .scroll{overflow:auto;max-height:34rem}
    table.data:has(caption){min-width:min(100%,26rem)}
    table{border-collapse:collapse;font-size:.86rem;font-variant-numeric:tabular-nums}
    th,td{text-align:left;padding:.22rem .42rem;white-space:pre;border-bottom:1px solid var(--line)}
    .prose th,.prose td{white-space:normal}
    table.data:has(th:nth-child(10)){font-size:.78rem}
    table.data:has(th:nth-child(10)) :is(th,td){padding-inline:.3rem}
    thead th{position:sticky;top:0;background:var(--page);border-bottom:2px solid var(--line);color:var(--text)}
    tbody th{font-weight:400}
    .r{text-align:right}.c{text-align:center}
    thead button{font:inherit;color:inherit;background:none;border:0;padding:0;cursor:pointer}
    th[aria-sort=ascending] button::after{content:" ▲";font-size:.7em}
    th[aria-sort=descending] button::after{content:" ▼";font-size:.7em}
    .bars{color:var(--link);font-size:.8em;line-height:1}
    .notes{font-size:.82rem;color:var(--quiet);overflow-x:auto}
    .notes p{margin:.15rem 0;white-space:pre-wrap}
    .file{font-size:.8rem;margin:.1rem 0;text-align:right}
    """

  private static let checks = """
    .banner{border:1px solid var(--bad);background:var(--bad-bg);border-radius:.4rem;padding:.4rem 1rem;margin:1rem 0}
    .banner-title{font-weight:600;color:var(--bad);margin:.2rem 0}
    .verdicts h2{font-size:1.05rem;margin:1.6rem 0 .5rem}
    .verdict{border-left:4px solid var(--good);background:var(--good-bg);border-radius:0 .4rem .4rem 0;
    padding:.35rem .9rem;margin:.6rem 0;font-size:.9rem}
    .verdict.poor{border-color:var(--poor);background:var(--poor-bg)}
    .verdict-line{margin:.1rem 0}
    .good .mark,.good strong{color:var(--good)}
    .verdict.poor .mark,.verdict.poor strong{color:var(--poor)}
    .verdict ul{margin:.2rem 0;padding-left:1.3rem}
    .checks{display:flex;flex-wrap:wrap;gap:.1rem 1.4rem;margin:.3rem 0;font-size:.85rem}
    .checks div{display:flex;gap:.4rem}
    .checks dt a{color:var(--quiet)}.checks dd{margin:0}.checks dd a{color:var(--text)}
    .checks .poor dd a{color:var(--poor);font-weight:600}
    """

  private static let print = """
    @page{margin:18mm 16mm;@bottom-center{content:counter(page) " / " counter(pages);font:9pt sans-serif}}
    @media print{
    :root,:root[data-theme=dark],:root:not([data-theme=light]){\(lightColors);\(SVGTheme.lightVariables)}
    body{font-size:10.5pt}
    .page,.page.with-contents{display:block;max-width:none;padding:0}
    .tools,.contents,.badge,.anchor,.file,.skip,.run-facts,.code>summary,figure details.data,
    .verdict details:not([open]),.settings:not([open]){display:none!important}
    .code>pre{padding:.5rem .9rem}
    pre{white-space:pre-wrap;overflow-wrap:anywhere}
    .scroll{max-height:none;overflow:visible}
    figure,.table.short,.table tr,.verdict,.message,.alert{break-inside:avoid}
    .table caption,thead{break-after:avoid}
    h2,h3,h4{break-after:avoid}
    thead th{position:static}
    main a[href^="http"]::after{content:" (" attr(href) ")";font-size:.85em;color:var(--quiet);overflow-wrap:anywhere}
    a{color:inherit}}
    """
}
