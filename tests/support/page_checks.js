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
      const cell = parent.closest("th, td");
      if (cell && getComputedStyle(cell).position === "sticky") continue;
      const inChart = parent.closest("svg text");
      const range = document.createRange();
      range.selectNodeContents(node);
      const rects = inChart ? [inChart.getBoundingClientRect()] : range.getClientRects();
      const scroller = parent.closest(".scroll, .drawing")?.getBoundingClientRect();
      for (const rect of rects) {
        if (rect.width < 1 || rect.height < 1) continue;
        const [left, right] = [Math.max(rect.left, scroller?.left ?? rect.left), Math.min(rect.right, scroller?.right ?? rect.right)];
        if (right < left) continue;
        const space = rect.height * 0.18; // above and below the letters
        boxes.push({ left, right, top: rect.top + space, bottom: rect.bottom - space, node });
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
  // Words and figures of table cells that continue on a second line within themselves. Hashes and positions may.
  brokenWords() {
    const found = [];
    for (const cell of document.querySelectorAll("th, td")) {
      if (!cell.checkVisibility({ visibilityProperty: true })) continue;
      const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) {
        const node = walker.currentNode;
        if (node.parentElement.closest("code, .unseen")) continue;
        for (const word of node.data.matchAll(/[^\s\u2010-\u2015/:_-]+/g)) {
          const range = document.createRange();
          range.setStart(node, word.index);
          range.setEnd(node, word.index + word[0].length);
          const tops = new Set(Array.from(range.getClientRects()).filter((box) => box.width > 0.5).map((box) => Math.round(box.top)));
          if (tops.size > 1) found.push(`${node.data.trim().slice(0, 40)}: ${word[0].slice(0, 30)}`);
        }
      }
    }
    return found;
  },
  // Cells of a row whose texts stand less than a narrow space apart, and texts that leave their cell.
  touchingCells() {
    const found = [];
    for (const row of document.querySelectorAll("tr")) {
      const boxes = [];
      for (const cell of row.cells) {
        if (getComputedStyle(cell).position === "sticky") continue;
        const own = cell.getBoundingClientRect();
        const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) {
          if (!walker.currentNode.data.trim() || walker.currentNode.parentElement.closest("svg, .unseen")) continue;
          const range = document.createRange();
          range.selectNodeContents(walker.currentNode);
          for (const rect of range.getClientRects()) {
            if (rect.width < 1 || rect.height < 1) continue;
            if (rect.right > own.right + 1 || rect.left < own.left - 1) found.push(`${cell.textContent.trim().slice(0, 40)} leaves its cell`);
            boxes.push({ rect, cell });
          }
        }
      }
      for (const one of boxes) {
        for (const other of boxes) {
          if (other.cell.cellIndex !== one.cell.cellIndex + 1) continue;
          const shared = Math.min(one.rect.bottom, other.rect.bottom) - Math.max(one.rect.top, other.rect.top);
          const apart = other.rect.left - one.rect.right;
          if (shared > 2 && apart < 0.5 * parseFloat(getComputedStyle(one.cell).fontSize)) {
            found.push(`${one.cell.textContent.trim().slice(0, 30)} | ${other.cell.textContent.trim().slice(0, 30)}: ${apart.toFixed(1)}`);
          }
        }
      }
    }
    return Array.from(new Set(found));
  },
  // Headings, captions and heads of tables whose content starts on the next sheet: the page laid out in sheets.
  headsAlone(width, height) {
    document.body.style.cssText = `column-width: ${width}px; height: ${height}px; column-gap: 0; column-fill: auto; margin: 0; padding: 0; width: ${width}px`;
    const start = document.body.getBoundingClientRect().left;
    const heads = "h1, h2, h3, h4, caption, thead, .charttitle, summary";
    const found = [];
    let last = null;
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const node = walker.currentNode;
      const parent = node.parentElement;
      if (!node.data.trim() || parent.closest("script, svg, .unseen, .skip") || !parent.checkVisibility()) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      const boxes = Array.from(range.getClientRects()).filter((box) => box.width > 0.5);
      if (!boxes.length) continue;
      const sheet = (box) => Math.floor((box.left - start + 1) / width);
      const head = parent.closest(heads);
      if (last && sheet(boxes[0]) > last.sheet) found.push(`${last.text} before ${node.data.trim().slice(0, 30)}`);
      last = head && { sheet: sheet(boxes[boxes.length - 1]), text: `${head.localName} ${node.data.trim().slice(0, 40)}` };
    }
    document.body.style.cssText = "";
    return found;
  },
  // Size in points of the smallest text on paper.
  smallestText() {
    let smallest = 99;
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const parent = walker.currentNode.parentElement;
      if (!walker.currentNode.data.trim() || parent.closest("script, title, desc, svg") || !parent.checkVisibility()) continue;
      smallest = Math.min(smallest, parseFloat(getComputedStyle(parent).fontSize) * 0.75);
    }
    return smallest;
  },
  // Pixels by which the page is wider than its window.
  excess() {
    return document.documentElement.scrollWidth - document.documentElement.clientWidth;
  },
  // Texts of charts that scrolling does not reach, and charts that scroll without a word on it.
  clippedCharts() {
    const found = [];
    for (const drawing of document.querySelectorAll(".drawing")) {
      const box = drawing.getBoundingClientRect();
      const end = box.left + drawing.scrollWidth + 1;
      for (const text of drawing.querySelectorAll("svg text:not(.hint)")) {
        const { left, right } = text.getBoundingClientRect();
        if (left < box.left - 1 || right > end) found.push(text.textContent.slice(0, 40));
      }
      const cue = getComputedStyle(drawing, "::before").content;
      if (drawing.scrollWidth > drawing.clientWidth + 1 && cue === "none") found.push(`${drawing.getAttribute("aria-label")} scrolls`);
    }
    return found;
  },
  // Height of the tallest row of a table of numbers, in lines of its text.
  tallestRow() {
    const heights = Array.from(document.querySelectorAll("#ranking table.numeric tbody tr"), (row) => row.getBoundingClientRect().height / parseFloat(getComputedStyle(row).lineHeight));
    return Math.max(0, ...heights);
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
