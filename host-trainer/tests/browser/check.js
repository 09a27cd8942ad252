// Checks the page in `frame` and returns its problems, one sentence each. `width` is the width of the frame in CSS
// pixels. `loaded` maps the address of each picture to an image element, decoded or broken. Terms such as contrast and
// large text are those of WCAG 2.1.
function problems(frame, width, loaded) {
  const view = frame.contentWindow;
  const page = frame.contentDocument;
  const found = new Map();
  const tell = (problem) => found.set(problem, (found.get(problem) ?? 0) + 1);
  const all = (selector) => [...page.querySelectorAll(selector)];
  const style = (element, pseudo) => view.getComputedStyle(element, pseudo);
  const visible = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  const short = (text) => {
    const words = text.trim().replace(/\s+/g, " ");
    return words.length > 40 ? `${words.slice(0, 40)}…` : words;
  };
  const name = (element) => {
    const id = element.id ? `#${element.id}` : "";
    return `<${element.localName}${id}${[...element.classList].map((c) => `.${c}`).join("")}>`;
  };

  for (const details of all("details")) {
    // Of several that share a name only one can be open.
    details.removeAttribute("name");
    details.open = true;
  }
  pictures();
  network();
  scripts();
  scroll();
  contrast();
  return [...found].map(([problem, times]) => (times > 1 ? `${problem} (${times} times)` : problem));

  function pictures() {
    const broken = (url) => loaded.get(url).naturalWidth === 0;
    for (const image of all("img, svg image")) {
      const url = address(image);
      if (broken(url)) tell(`broken picture: ${name(image)} of ${short(url)}`);
      else if (visible(image) && empty(image)) tell(`picture without a size: ${name(image)}`);
      if (image.localName === "img" && !image.hasAttribute("alt")) tell(`no alt: ${name(image)} of ${short(url)}`);
    }
    for (const svg of all("svg")) if (visible(svg) && empty(svg)) tell(`picture without a size: ${name(svg)}`);
  }

  function empty(element) {
    const box = element.getBoundingClientRect();
    return box.width === 0 || box.height === 0;
  }

  function network() {
    const own = (url) => /^(data:|#|about:|$)/.test(url.trim());
    const loads = {
      src: "[src]", href: "link[href], image[href], use[href]", srcset: "[srcset]", poster: "[poster]",
      data: "object[data]", "xlink:href": "image, use",
    };
    for (const [attribute, selector] of Object.entries(loads)) {
      for (const element of all(selector)) {
        const url = element.getAttribute(attribute);
        if (url !== null && !own(url)) tell(`not in the file: ${name(element)} loads ${url}`);
      }
    }
    const sheets = all("style").map((sheet) => sheet.textContent);
    for (const css of [...sheets, ...all("[style]").map((element) => element.getAttribute("style"))]) {
      for (const [, imported, url] of css.matchAll(/@import\s+["']([^"']*)|url\(\s*["']?([^"')]*)/g)) {
        if (!own(imported ?? url)) tell(`not in the file: a style loads ${imported ?? url}`);
      }
    }
  }

  function scripts() {
    for (const script of all("script")) tell(`a script: ${short(script.src || script.textContent)}`);
    for (const element of all("*")) {
      const handler = [...element.attributes].find((attribute) => attribute.name.startsWith("on"));
      if (handler) tell(`a script: ${name(element)} has ${handler.name}`);
    }
  }

  function scroll() {
    const root = page.documentElement;
    const viewport = page.querySelector("meta[name=viewport]")?.content ?? "";
    if (!viewport.includes("width=device-width")) tell("no viewport: a phone shows the page as a desktop does");
    const cut = [root, page.body].some((element) => style(element).overflowX !== "visible");
    if (root.scrollWidth <= root.clientWidth && !cut) return;
    const right = (element) => element.getBoundingClientRect().right + view.scrollX;
    const inside = (element) => {
      for (let up = element.parentElement; up && up !== page.body; up = up.parentElement) {
        if (style(up).overflowX !== "visible" || up.localName === "svg") return true;
      }
      return false;
    };
    const beyond = [...page.body.querySelectorAll("*")].filter(
      (element) => visible(element) && right(element) > root.clientWidth + 0.5 && !inside(element),
    );
    const widest = beyond.reduce((most, element) => (most && right(most) >= right(element) ? most : element), null);
    if (widest) {
      const what = cut ? "cut off at the right" : "horizontal scroll";
      // The outermost element that is too wide, and the inner one that makes it so.
      const inner = [...widest.querySelectorAll("*")].filter((element) => right(element) > right(widest) - 20).pop();
      const by = inner ? `, by ${name(inner)} "${short(inner.textContent)}"` : "";
      tell(`${what} at ${width} px: ${name(widest)} reaches to ${Math.ceil(right(widest))} px${by}`);
    } else if (root.scrollWidth > root.clientWidth) {
      tell(`horizontal scroll at ${width} px: the page is ${root.scrollWidth} px wide`);
    }
  }

  // Colours are [red, green, blue, alpha], the first three from 0 to 255.
  function colour(css) {
    const plain = css.match(/^rgba?\(([\d.]+), ([\d.]+), ([\d.]+)(?:, ([\d.]+))?\)$/);
    if (plain) return [...plain.slice(1, 4).map(Number), Number(plain[4] ?? 1)];
    colour.canvas ??= new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    colour.canvas.clearRect(0, 0, 1, 1);
    colour.canvas.fillStyle = css;
    colour.canvas.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = colour.canvas.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  }

  function over([red, green, blue, alpha], ground) {
    const mix = (top, bottom) => top * alpha + bottom * (1 - alpha);
    return [mix(red, ground[0]), mix(green, ground[1]), mix(blue, ground[2]), 1];
  }

  function ratio(one, other) {
    const luminance = (colour) => {
      const [red, green, blue] = colour.slice(0, 3).map((value) => {
        const part = value / 255;
        return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  }

  function contrast() {
    const probe = page.createElement("i");
    probe.style.background = "Canvas";
    page.documentElement.append(probe);
    const canvas = colour(style(probe).backgroundColor);
    probe.remove();
    const failed = new Map();

    const texts = page.createTreeWalker(page.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const text = texts.currentNode;
      const element = text.parentElement;
      if (!text.data.trim() || ["style", "script", "title", "desc"].includes(element.localName)) continue;
      if (!visible(element) || hidden(element)) continue;
      const range = page.createRange();
      range.selectNodeContents(text);
      const boxes = [...range.getClientRects()].filter((box) => box.width > 0 && box.height > 0);
      if (boxes.length > 0) judge(element, text.data, style(element), boxes);
    }
    for (const element of [page.body, ...page.body.querySelectorAll(":not(svg *)")]) {
      for (const pseudo of ["::before", "::after"]) {
        const content = style(element, pseudo).content.match(/^"(.*\S.*)"/);
        if (content && visible(element)) judge(element, content[1], style(element, pseudo), []);
      }
    }

    function judge(element, text, css, boxes) {
      const svg = element.closest("svg");
      const size = parseFloat(css.fontSize) * (svg ? scale(element) : 1);
      const needed = size >= 24 || (size >= 18.66 && Number(css.fontWeight) >= 700) ? 3 : 4.5;
      const paint = svg && !element.closest("foreignObject") ? css.fill : css.color;
      if (paint === "none") return;
      const unknown = () => tell(`contrast cannot be judged of "${short(text)}" in ${name(element)}`);
      if (paint.startsWith("url(")) return unknown();
      let ink = colour(paint);
      if (svg) ink[3] *= Number(css.fillOpacity);
      let worst;
      for (const ground of grounds(element, css, ink, boxes)) {
        if (ground === null) return unknown();
        const value = ratio(ground.ink, ground.ground);
        if (!worst || value < worst.value) worst = { value, ...ground };
      }
      if (worst.value >= needed) return;
      const hex = (c) => `#${c.slice(0, 3).map((value) => Math.round(value).toString(16).padStart(2, "0")).join("")}`;
      const colours = `${hex(worst.ink)} on ${hex(worst.ground)}`;
      // Rounded down, because 4.499 is not 4.5. One text stands for all that fail in the same way.
      const value = Math.floor(worst.value * 100) / 100;
      const key = `${name(element)} ${colours} ${needed}`;
      if (!failed.has(key)) {
        failed.set(key, `contrast ${value} of "${short(text)}" in ${name(element)}, ${colours}, is below ${needed}`);
      }
      tell(failed.get(key));
    }

    // Every pair of ink and ground that the text may have; a gradient gives several. Null stands for a picture.
    function grounds(element, css, ink, boxes) {
      const path = [];
      for (let up = element; up; up = up.parentElement) path.unshift(up);
      let states = [{ ground: canvas, groups: [] }];
      const lay = (colours) => {
        states = states.flatMap(({ ground, groups }) => colours.map((c) => ({ ground: over(c, ground), groups })));
      };
      for (const step of path) {
        const { opacity, backgroundColor, backgroundImage } = step === element ? css : style(step);
        if (Number(opacity) < 1) {
          states = states.map(({ ground, groups }) => {
            return { ground, groups: [...groups, { opacity: Number(opacity), backdrop: ground }] };
          });
        }
        lay([colour(backgroundColor)]);
        if (backgroundImage.includes("url(")) return [null];
        if (backgroundImage !== "none") lay(stops(backgroundImage));
      }
      const svg = element.closest("svg");
      if (svg) {
        // At a quarter, half and three quarters of the text, since different shapes may be behind it.
        const points = boxes.flatMap((box) =>
          [0.25, 0.5, 0.75].map((part) => [box.left + part * box.width, (box.top + box.bottom) / 2]),
        );
        const below = states;
        const several = points.map((point) => {
          states = below;
          for (const shape of svg.querySelectorAll("rect, circle, ellipse, path, polygon, image")) {
            if (!(shape.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING)) break;
            if (!visible(shape) || shape.closest("defs, symbol, clipPath, mask, pattern, marker")) continue;
            if (!covers(shape, point)) continue;
            if (shape.localName === "image") return null;
            lay(fills(shape));
          }
          return states;
        });
        if (several.includes(null)) return [null];
        states = several.flat();
      }
      return states.map(({ ground, groups }) => {
        const pair = { ink: over(ink, ground), ground };
        for (const { opacity, backdrop } of [...groups].reverse()) {
          pair.ink = over([...pair.ink.slice(0, 3), opacity], backdrop);
          pair.ground = over([...pair.ground.slice(0, 3), opacity], backdrop);
        }
        return pair;
      });
    }

    function covers(shape, [x, y]) {
      if (shape.localName === "image") {
        const box = shape.getBoundingClientRect();
        return x >= box.left && x <= box.right && y >= box.top && y <= box.bottom;
      }
      return shape.isPointInFill(new DOMPoint(x, y).matrixTransform(shape.getScreenCTM().inverse()));
    }

    function fills(shape) {
      const { fill, fillOpacity } = style(shape);
      let opacity = Number(fillOpacity);
      for (let up = shape; up.localName !== "svg"; up = up.parentElement) opacity *= Number(style(up).opacity);
      const gradient = fill.match(/^url\("?#([^")]*)/);
      const colours = gradient
        ? [...page.getElementById(gradient[1]).querySelectorAll("stop")].map((stop) => {
            const { stopColor, stopOpacity } = style(stop);
            const [red, green, blue, alpha] = colour(stopColor);
            return [red, green, blue, alpha * Number(stopOpacity)];
          })
        : [fill === "none" ? [0, 0, 0, 0] : colour(fill)];
      return colours.map(([red, green, blue, alpha]) => [red, green, blue, alpha * opacity]);
    }
  }

  function stops(gradient) {
    const written = gradient.match(/(?:rgba?|color|oklch|oklab|lab|lch|hsl)\([^()]*\)/g) ?? [];
    return written.map(colour);
  }

  // Text for screen readers only, hidden in a box of one pixel.
  function hidden(element) {
    for (let up = element; up; up = up.parentElement) {
      const box = up.getBoundingClientRect();
      if (style(up).overflowX === "hidden" && box.width <= 1 && box.height <= 1) return true;
    }
    return false;
  }

  // The CSS pixels per unit of an element inside an SVG.
  function scale(element) {
    const matrix = element.getScreenCTM?.();
    return matrix ? Math.sqrt(Math.abs(matrix.a * matrix.d - matrix.b * matrix.c)) : 1;
  }
}

function address(image) {
  return image.localName === "img" ? image.src : image.href.baseVal;
}

// Runs in a page that has the frame and an element for the answer. The browser dumps the DOM as soon as that page is
// loaded, so nothing may be deferred.
const frame = document.querySelector("iframe");
const loaded = new Map();
frame.addEventListener("load", () => {
  // Includes lazy images below the fold: the outer page is not loaded until all of these are.
  for (const image of frame.contentDocument.querySelectorAll("img, svg image")) {
    const url = address(image);
    loaded.set(url, Object.assign(new Image(), { src: url }));
  }
});
addEventListener("load", () => {
  let answer;
  try {
    answer = problems(frame, frame.clientWidth, loaded);
  } catch (error) {
    answer = [`the check itself failed: ${error.stack}`];
  }
  // Escaped, so that the dumped DOM contains the JSON unchanged.
  const ascii = (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`;
  document.querySelector("pre").textContent = JSON.stringify(answer).replace(/[<>&\u0080-\uffff]/g, ascii);
});
