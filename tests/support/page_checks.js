// Checks of a page in a browser; each function returns what is wrong.
({
  // Pairs of texts that are painted over each other. Lines of one text are not compared.
  overlaps() {
    const boxes = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const node = walker.currentNode;
      const parent = node.parentElement;
      if (!node.data.trim() || parent.closest("script, title, desc, .unseen, .skip")) continue;
      if (!parent.checkVisibility({ visibilityProperty: true })) continue;
      // A column that stays in view while its table scrolls lies over the others on purpose.
      if (parent.closest(".matrix th:first-child")) continue;
      const inChart = parent.closest("svg text");
      const range = document.createRange();
      range.selectNodeContents(node);
      const rects = inChart ? [inChart.getBoundingClientRect()] : range.getClientRects();
      const scroller = parent.closest(".scroll, .drawing")?.getBoundingClientRect();
      for (const rect of rects) {
        if (rect.width < 1 || rect.height < 1) continue;
        if (scroller && (rect.right < scroller.left || rect.left > scroller.right)) continue;
        const space = rect.height * 0.18; // above and below the letters
        boxes.push({ left: rect.left, right: rect.right, top: rect.top + space, bottom: rect.bottom - space, node });
      }
    }
    boxes.sort((a, b) => a.top - b.top);
    const found = [];
    boxes.forEach((one, index) => {
      for (let next = index + 1; next < boxes.length && boxes[next].top < one.bottom - 2; next += 1) {
        const other = boxes[next];
        const shared = Math.min(one.right, other.right) - Math.max(one.left, other.left);
        if (shared > 2 && one.node !== other.node) {
          found.push(`${one.node.data.trim().slice(0, 30)} × ${other.node.data.trim().slice(0, 30)}`);
        }
      }
    });
    return found;
  },
  // Pixels by which the page is wider than its window.
  excess() {
    return document.documentElement.scrollWidth - document.documentElement.clientWidth;
  },
  // Size in pixels of the smallest text of a chart, as painted.
  smallestChartText() {
    const sizes = Array.from(document.querySelectorAll("svg.chart text"), (text) => parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a);
    return Math.min(...sizes, 99);
  },
  openAll() {
    for (const details of document.querySelectorAll("details")) details.open = true;
  },
})
