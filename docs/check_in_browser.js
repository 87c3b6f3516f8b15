// What is wrong with the page as it is shown now, as a list of messages.
async () => {
  const found = [];
  const root = document.documentElement;
  const name = e => [e.tagName.toLowerCase(), ...[...e.classList].slice(0, 2)].join(".");

  // A colour as [red, green, blue, opacity], from any CSS notation.
  const canvas = document.createElement("canvas");
  const paint = canvas.getContext("2d", {willReadFrequently: true});
  const known = new Map();
  const rgba = text => {
    if (!known.has(text)) {
      canvas.width = canvas.height = 1;
      paint.fillStyle = text;
      paint.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = paint.getImageData(0, 0, 1, 1).data;
      known.set(text, [r, g, b, a / 255]);
    }
    return known.get(text);
  };
  const over = (top, below) => [0, 1, 2].map(k => top[k] * top[3] + below[k] * (1 - top[3]));
  const grounds = new Map();
  const behind = e => {
    if (!e) return [255, 255, 255];
    if (!grounds.has(e)) {
      const colour = rgba(getComputedStyle(e).backgroundColor);
      grounds.set(e, colour[3] === 1 ? colour : over(colour, behind(e.parentElement)));
    }
    return grounds.get(e);
  };
  const luminance = colour => {
    const [r, g, b] = colour.map(c => c / 255).map(
      c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (a, b) => {
    const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };

  // Wider than the window, or than what scrolls as a whole: only tables, code, results of cells
  // and equations may scroll by themselves.
  const mayScroll = "pre, .highlight, .pst-scrollable-table-container, .output, .math";
  for (const box of [root, ...document.querySelectorAll("main, main *")]) {
    if (box.scrollWidth <= box.clientWidth + 1 || box.closest(mayScroll)) continue;
    if (box !== root && !/auto|scroll/.test(getComputedStyle(box).overflowX)) continue;
    const edge = box === root ? root.clientWidth : box.getBoundingClientRect().right;
    const wide = [...box.querySelectorAll("*")].filter(e => {
      if (e.getBoundingClientRect().right <= edge + 1) return false;
      for (let at = e.parentElement; at && at !== box; at = at.parentElement)
        if (getComputedStyle(at).overflowX !== "visible") return false;
      return true;
    });
    found.push(`${name(box)} is ${box.scrollWidth} pixels wide, not ${box.clientWidth}: ` +
      [...new Set(wide.map(name))].slice(-4).join(", "));
  }

  // Pictures: broken ones, and transparent ones on dark.
  for (const image of document.images) {
    image.loading = "eager";
    try { await image.decode(); } catch { /* naturalWidth tells */ }
    if (!image.naturalWidth) {
      found.push(`broken picture ${image.getAttribute("src")}`);
      continue;
    }
    if (!image.closest("article") || /\.svg/.test(image.src)) continue;
    canvas.width = canvas.height = 1;
    paint.drawImage(image, 0, 0, 1, 1, 0, 0, 1, 1);
    const [r, g, b, a] = paint.getImageData(0, 0, 1, 1).data;
    if (luminance(over([r, g, b, a / 255], behind(image))) < 0.5)
      found.push(`dark behind picture ${image.getAttribute("src")}`);
  }

  // Text: WCAG's contrast, 4.5 or for large text 3. scikit-learn's diagrams have their own colours.
  const faint = new Map();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility({opacityProperty: true,
      visibilityProperty: true}) || element.closest("script, style, noscript, .sk-top-container")) continue;
    const box = element.getBoundingClientRect();
    if (!box.width || !box.height) continue;
    const style = getComputedStyle(element), below = behind(element);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.6 && style.fontWeight >= 700);
    const contrast = ratio(over(rgba(style.color), below), below);
    if (contrast < (large ? 3 : 4.5)) {
      const key = `${name(element)} in ${name(element.parentElement)}`;
      if (!faint.has(key))
        faint.set(key, `contrast ${contrast.toFixed(1)}: ${key}: ` +
          walker.currentNode.data.trim().slice(0, 30));
    }
  }
  return [...found, ...faint.values()];
}
