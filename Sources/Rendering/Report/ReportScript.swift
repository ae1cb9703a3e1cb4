/// The script of a report. A page is whole without it: it adds a switch of themes, the place in the contents, sorting of
/// tables and copying of links.
enum ReportScript {
  static let page = """
    (function(){
    "use strict";
    var d=document,root=d.documentElement;
    function all(selector,within){return Array.from((within||d).querySelectorAll(selector))}
    var theme=d.getElementById("theme");
    if(theme){
    var dark=function(){var t=root.dataset.theme;
    return t?t==="dark":matchMedia("(prefers-color-scheme: dark)").matches};
    var word=function(){theme.textContent=dark()?"Light":"Dark"};
    theme.hidden=false;word();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change",word);
    theme.addEventListener("click",function(){root.dataset.theme=dark()?"light":"dark";word()});
    }
    var links=all(".contents a");
    if(links.length&&"IntersectionObserver" in window){
    var heads=links.map(function(a){return d.getElementById(decodeURIComponent(a.hash.slice(1)))}).filter(Boolean);
    var mark=function(){
    var current=heads[0];
    heads.forEach(function(h){if(h.getBoundingClientRect().top<120)current=h});
    links.forEach(function(a){
    if(current&&decodeURIComponent(a.hash.slice(1))===current.id)a.setAttribute("aria-current","true");
    else a.removeAttribute("aria-current")})};
    var observer=new IntersectionObserver(mark,{rootMargin:"0px 0px -70% 0px"});
    heads.forEach(function(h){observer.observe(h)});
    }
    all(".anchor").forEach(function(a){a.addEventListener("click",function(){
    if(navigator.clipboard)navigator.clipboard.writeText(a.href).catch(function(){})})});
    function value(row,column){
    var text=row.children[column].textContent.replace(/[\\u2007\\u2008]/g,"").trim();
    var number=Number(text.replace("\\u2212","-"));
    return text!==""&&!isNaN(number)?number:text}
    all("main table.data").forEach(function(table){
    var body=table.tBodies[0];
    if(!body||body.rows.length<3)return;
    all("thead th",table).forEach(function(head,column){
    var button=d.createElement("button");
    button.type="button";button.textContent=head.textContent;
    head.textContent="";head.appendChild(button);
    button.addEventListener("click",function(){
    var down=head.getAttribute("aria-sort")==="ascending";
    all("thead th",table).forEach(function(h){h.removeAttribute("aria-sort")});
    head.setAttribute("aria-sort",down?"descending":"ascending");
    var rows=Array.from(body.rows).map(function(row,index){return{row:row,index:index,value:value(row,column)}});
    rows.sort(function(a,b){
    var order=typeof a.value===typeof b.value?(a.value<b.value?-1:a.value>b.value?1:0):
    typeof a.value==="number"?-1:1;
    return(down?-order:order)||a.index-b.index});
    rows.forEach(function(item){body.appendChild(item.row)})})})});
    })();
    """

  /// Hears from the server: dims cells that are about to run, and loads the page anew where it was.
  static func live(events: String) -> String {
    """
    (function(){
    "use strict";
    var place="cairn-place",store=sessionStorage,last=store.getItem(place);
    if("scrollRestoration" in history)history.scrollRestoration="manual";
    if(last!==null)scrollTo({top:Number(last),behavior:"instant"});
    var source=new EventSource("\(events)");
    source.addEventListener("running",function(event){
    var ids=JSON.parse(event.data);
    Array.from(document.querySelectorAll(".cell")).forEach(function(cell){
    cell.classList.toggle("running",ids.indexOf(cell.id)>=0)})});
    source.addEventListener("page",function(){
    store.setItem(place,String(scrollY));location.reload()});
    addEventListener("scroll",function(){store.setItem(place,String(scrollY))},{passive:true});
    })();
    """
  }
}
