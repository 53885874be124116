// What is wrong with a page as it is laid out, as a list of sentences. `pageName` says which page it is.
(() => {
  const wrong = [];
  const box = element => element.getBoundingClientRect();
  const named = element => `${(element.closest("article, section") || {}).id} ${element.tagName} ${(element.textContent || "").slice(0, 30)}`;
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) wrong.push(`the page is ${root.scrollWidth} wide in a window of ${root.clientWidth}`);

  for (const picture of document.querySelectorAll(".pic svg, .glance svg")) {
    const frame = box(picture);
    const texts = [...picture.querySelectorAll("text")].map(text => [text, box(text)]);
    for (const [text, r] of texts)
      if (r.left < frame.left - 2 || r.right > frame.right + 2 || r.top < frame.top - 2 || r.bottom > frame.bottom + 3) wrong.push(`outside its picture: ${named(text)}`);
    texts.forEach(([one, a], k) => {
      for (const [other, b] of texts.slice(k + 1)) {
        const across = Math.min(a.right, b.right) - Math.max(a.left, b.left), down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (across > 2 && down > a.height * 0.35 + 1) wrong.push(`overlap: ${named(one)} / ${named(other)}`);
      }
    });
    const cell = box(picture.closest(".pic, .glance"));
    if (frame.right > cell.right + 1) wrong.push(`a picture beyond its column: ${named(picture)}`);
  }

  for (const row of document.querySelectorAll(".row")) {
    const parts = [...row.children].map(box);
    parts.forEach((a, k) => {
      for (const b of parts.slice(k + 1))
        if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1) wrong.push(`two columns overlap: ${row.id}`);
    });
  }
  for (const part of document.querySelectorAll(".code .l, .why, .dims, .said, .story li, h1, h2, .legend li"))
    if (box(part).right > box(part.closest("section, header")).right + 1) wrong.push(`beyond its column: ${named(part)}`);

  const symbol = element => (/(?:^| )(s[0-9]+)(?= |$)/.exec(element.getAttribute("class") || "") || [])[1];
  const glossary = new Set([...document.querySelectorAll("table.names tr.sym")].map(symbol));
  for (const element of document.querySelectorAll(".sym, .b")) if (!glossary.has(symbol(element))) wrong.push(`not in the glossary: ${named(element)}`);

  const isLit = element => getComputedStyle(element).getPropertyValue("--hl") !== "";
  for (const row of [...document.querySelectorAll("table.names tr.sym")].slice(0, 12)) {
    if (window.withScript) row.dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
    else row.focus();
    for (const element of document.querySelectorAll(".sym, .b"))
      if (isLit(element) !== (symbol(element) === symbol(row))) wrong.push(`${symbol(row)} is pointed at: ${named(element)} is ${isLit(element) ? "" : "not "}lit`);
  }

  const said = parent.document.createElement("pre");
  said.className = "probe";
  said.textContent = JSON.stringify([window.pageName, root.clientWidth, getComputedStyle(document.body).backgroundColor, wrong]);
  parent.document.body.appendChild(said);
})();
