// What of a page is hard to read: every visible text with the contrast of its colour against what lies behind it, by the
// formula of WCAG 2.1 ("relative luminance", "contrast ratio"), where that is below 4.5:1, or 3:1 for large text (success
// criterion 1.4.3). Controls that cannot be used are exempt there, and what lies behind a modal dialog is one of them.
(() => {
	const parse = (c) => {
		const m = /^rgba?\(([\d.]+), ([\d.]+), ([\d.]+)(?:, ([\d.]+))?\)$/.exec(c);
		if (!m) throw new Error("colour " + c);
		return [+m[1], +m[2], +m[3], m[4] === undefined ? 1 : +m[4]];
	};
	const over = (below, [r, g, b, a], share) => {
		a *= share;
		return below.map((c, i) => [r, g, b][i] * a + c * (1 - a));
	};
	const luminance = (rgb) => {
		const [r, g, b] = rgb.map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const ratio = (a, b) => {
		const [x, y] = [luminance(a), luminance(b)];
		return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
	};
	const name = (e) => e.tagName.toLowerCase() + (e.id ? "#" + e.id : "") + [...e.classList].map((c) => "." + c).join("");
	const path = (e) => [e.parentElement?.parentElement, e.parentElement, e].filter(Boolean).map(name).join(" > ");

	// behind is the colour under the content of an element, and how much of what it paints is seen. A frame of its own
	// (the top layer) has nothing of its ancestors behind it but the page.
	const behind = (e) => {
		let below = [255, 255, 255], share = 1;
		const chain = [];
		for (let x = e; x; x = x.parentElement) {
			chain.unshift(x);
			if (x.matches("dialog:modal")) break;
		}
		for (const x of chain) {
			const s = getComputedStyle(x);
			share *= +s.opacity;
			if (s.backgroundImage !== "none") throw new Error("background image of " + path(x));
			below = over(below, parse(s.backgroundColor), share);
		}
		return [below, share];
	};
	const modal = document.querySelector("dialog:modal");
	const seen = (e) => {
		if (modal && !modal.contains(e) || e.matches(":disabled") || e.closest("[inert]")) return false;
		if (!e.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true })) return false;
		const r = e.getBoundingClientRect();
		return r.width > 1 && r.height > 1;
	};
	// What moves is measured at the far end of its movement.
	const moving = document.getAnimations().filter((a) => a.playState === "running");
	for (const a of moving) { a.pause(); a.currentTime = a.effect.getComputedTiming().duration; }
	const found = new Map();
	let measured = 0;
	const measure = (e, pseudo, text) => {
		const [below, share] = behind(e), s = getComputedStyle(e, pseudo);
		const got = ratio(over(below, parse(s.color), share * (pseudo ? +s.opacity : 1)), below);
		const size = parseFloat(s.fontSize), want = size >= 24 || size >= 18.66 && +s.fontWeight >= 700 ? 3 : 4.5;
		measured++;
		if (got < want) {
			const where = path(e) + (pseudo || "");
			found.set(where, got.toFixed(2) + ":1, want " + want + ":1: " + where + " " + JSON.stringify(text.trim().slice(0, 30)) + " " + s.color + " on rgb(" + below.map(Math.round) + ")");
		}
	};
	for (const e of document.body.querySelectorAll("*")) {
		if (e.closest("script, style, template, noscript, option") || !seen(e)) continue;
		const own = [...e.childNodes].filter((n) => n.nodeType === Node.TEXT_NODE).map((n) => n.data).join("").trim();
		if (own) measure(e, null, own);
		if (e.matches("input:not([type=radio], [type=checkbox], [type=hidden]), textarea")) {
			if (e.value) measure(e, null, "value");
			else if (e.placeholder) measure(e, "::placeholder", e.placeholder);
		}
		for (const p of ["::before", "::after"]) {
			const c = getComputedStyle(e, p).content;
			if (c !== "none" && c !== "normal" && c !== '""') measure(e, p, c);
		}
	}
	for (const a of moving) a.play();
	if (!measured) found.set("", "no text at all: this measures the wrong page");
	return [...found.values()];
})()
