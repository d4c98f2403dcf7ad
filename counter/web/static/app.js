// The clerk's page. It holds no rule and no sentence: it sends what was typed, and shows the HTML that comes back.
"use strict";
(() => {
	const $ = (id) => document.getElementById(id);
	const amount = $("amount"), quote = $("quote"), receipt = $("receipt"), note = $("note"), dialog = $("ask");
	const words = $("words").dataset;
	const LIVE = ["desks", "standing", "open", "meters", "uplink", "bench"];

	const what = $("what").textContent;                    // the label of the field while no card says more
	const looksOnly = "looksonly" in $("counter").dataset; // the role does not sell

	let mode = "m3";       // what the number in the field means
	let chosen = null;     // reader that the clerk chose, when there are several
	let seen = "0";        // insertion that the panel belongs to
	let sale = null;       // {request, body} of the quote on the screen, kept until its outcome is known
	let unsure = false;    // the sale was sent and nothing came back
	let outcome = false;   // the note says how a sale ended, and so outlives the card
	let asked = null;      // what a yes to the question in the dialog does
	let armed = false;     // a key was pressed since the question was asked
	let busy = false;      // a request of this panel is under way
	let printed = false;   // the receipt on the screen went to the printer
	let lastOrder = null;  // order of the last receipt, to reopen it
	let swallow = false;   // the key that opened the search must not be typed into it
	let marked = null;     // card on the bench that the keys mean
	let meter = null;      // and the meter
	let leaving = false;   // on the way to the login

	// --- talking to the counter ---

	// login leaves for the login page, once: it says why only to the first who asks, and a second way there would cut the first.
	function login() {
		if (!leaving) { leaving = true; location.assign("/login"); }
	}
	window.addEventListener("pageshow", () => { leaving = false; });

	async function call(path, body) {
		const r = await fetch("/api/v1/" + path, {
			method: "POST",
			headers: { "Accept": "text/html", "Content-Type": "application/json" },
			body: body === undefined ? undefined : JSON.stringify(body),
		});
		if (r.status === 401) { login(); return new Promise(() => {}); }
		return { ok: r.ok, html: await r.text() };
	}

	// One request at a time, so that a second Enter or click finds the first one busy.
	async function once(work) {
		if (busy) return;
		busy = true;
		try { await work(); } catch { note.textContent = ""; warn(words.offline); } finally { busy = false; show(); }
	}

	function alert(text) {
		const box = document.createElement("div"), p = document.createElement("p");
		box.className = "note bad"; box.setAttribute("role", "alert");
		p.className = "what"; p.textContent = text;
		box.append(p);
		return box;
	}

	function warn(text) { note.replaceChildren(alert(text)); outcome = true; }

	// result shows how a sale ended. It stays when the card is taken out: nobody must miss it.
	function result(html) { note.innerHTML = html; outcome = true; }

	function say(text) { $("say").textContent = text; }

	// --- the desk that is worked at ---

	const desks = () => [...document.querySelectorAll(".desk")];

	function desk() {
		const all = desks();
		return all.find((d) => d.dataset.reader === chosen) || all.find((d) => d.dataset.insertion !== "0" && d.dataset.phase !== "empty") || all[0];
	}

	// refresh follows the card: when it is another one, or none, nothing of the last customer stays.
	function refresh() {
		const d = desk();
		for (const other of desks()) other.hidden = other !== d;
		for (const s of document.querySelectorAll("[data-of]")) s.hidden = !d || s.dataset.of !== d.dataset.reader;
		for (const tab of document.querySelectorAll("[data-desk]")) tab.setAttribute("aria-pressed", String(d && tab.dataset.desk === d.dataset.reader));
		const here = d && d.dataset.phase !== "empty" && d.dataset.phase !== "no_reader" ? d.dataset.reader + "/" + d.dataset.insertion : "0";
		if (here !== seen) {
			const gone = here === "0";
			seen = here;
			if (dialog.open) dialog.close();
			rare.leave();
			hideFound();
			if (!unsure) clear(gone && (busy || outcome));
			if (gone) say(words.empty);
		}
		if (d && d.dataset.say !== refresh.said) { refresh.said = d.dataset.say; say(d.dataset.say); }
		show();
	}

	// clear empties the panel.
	function clear(keepNote) {
		amount.value = "";
		quote.replaceChildren(); receipt.replaceChildren();
		if (!keepNote) { note.replaceChildren(); outcome = false; }
		if (!busy) { sale = null; unsure = false; }
		printed = false;
	}

	function show() {
		const d = desk(), ready = Boolean(d) && "sellable" in d.dataset;
		const open = ready && !busy && !unsure && !receipt.firstElementChild;
		if (amount.readOnly === open) {
			amount.readOnly = !open;
			// A field that was focused while nothing could be typed into it takes no keys until it is focused anew.
			if (open && document.activeElement === amount) { amount.blur(); amount.focus(); }
		}
		$("counter").classList.toggle("open", open);
		$("counter").classList.toggle("busy", busy);
		$("standing").hidden = Boolean(receipt.firstElementChild || busy); // a receipt says more than "not swiped yet"
		$("wait").hidden = !d || seen !== "0" && !looksOnly || Boolean(receipt.firstElementChild || note.firstElementChild || busy || unsure);
		$("busy").hidden = !(busy && sale) && !(d && d.dataset.phase === "writing");
		for (const b of document.querySelectorAll("[data-mode]")) b.setAttribute("aria-pressed", String(b.dataset.mode === mode));
		$("sale").dataset.mode = mode;
		$("what").textContent = d && d.dataset.volume || what;
		$("last").hidden = !lastOrder || Boolean(receipt.firstElementChild);
		if (document.activeElement === document.body || document.activeElement === null) amount.focus();
	}

	// --- the field ---

	function decimals() {
		const d = desk();
		return mode === "yuan" ? 2 : Number((d && d.dataset.places) || 2);
	}

	// clean keeps digits and one point (full-width ones too, from a Chinese input method) and cuts surplus decimals.
	function clean(text) {
		let s = text.replace(/[０-９]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0)).replace(/[．。，,]/g, ".").replace(/[^0-9.]/g, "");
		const dot = s.indexOf(".");
		if (dot >= 0) s = s.slice(0, dot + 1) + s.slice(dot + 1).replace(/\./g, "").slice(0, decimals());
		return s;
	}

	// whole turns "12.3" into a whole number of the smallest unit without a floating point number in between.
	function whole(text, places) {
		const [a, b = ""] = text.split(".");
		return Number((a || "0") + b.padEnd(places, "0"));
	}

	function typed(e) {
		if (e && e.isComposing) return;
		const s = clean(amount.value);
		if (s !== amount.value) amount.value = s;
		if (!unsure && !busy) { quote.replaceChildren(); sale = null; note.replaceChildren(); }
	}

	function setMode(m) {
		if (busy || unsure || m === mode) return;
		mode = m;
		typed();
		show();
		amount.focus();
	}

	// --- quote, sell ---

	function enter() {
		if (unsure) return once(send);
		if (quote.firstElementChild) return once(send);
		if (!amount.readOnly && amount.value !== "") return once(ask);
	}

	async function ask() {
		const d = desk(), at = seen, text = amount.value;
		const body = { reader: d.dataset.reader, insertion: Number(d.dataset.insertion), volume_l: 0, money_fen: 0 };
		if (mode === "m3") body.volume_l = whole(text, 3); else body.money_fen = whole(text, 2);
		const r = await call("quote", body);
		if (at !== seen || text !== amount.value) return; // another customer, or something else was typed meanwhile
		if (!r.ok) { note.innerHTML = r.html; return; }
		note.replaceChildren();
		quote.innerHTML = r.html;
		const q = quote.firstElementChild.dataset;
		sale = { request: newRequest(), at, body: { ask: body, volume_l: Number(q.volume), amount_fen: Number(q.amount) } };
		sale.body.request = sale.request;
		say(quote.querySelector(".figures").textContent);
		scroll(quote);
	}

	// send confirms the quote. The same request id goes out however often it is sent, so that it is one sale.
	async function send() {
		if (!sale) return;
		show();
		let r;
		try { r = await call("sell", sale.body); } catch { unsure = true; quote.replaceChildren(); warn(words.unsure); return; }
		const at = sale.at;
		unsure = false; sale = null;
		quote.replaceChildren();
		note.replaceChildren();
		if (r.ok) take(r.html, at === seen); else result(r.html);
	}

	// take shows a receipt. When its card is gone by now, only the number of the receipt is shown.
	function take(html, visible) {
		const box = document.createElement("template");
		box.innerHTML = html;
		const data = box.content.firstElementChild.dataset;
		lastOrder = data.order;
		$("last").querySelector("b").textContent = data.no;
		amount.value = "";
		printed = data.copy !== "0";
		say((data.op && data.op !== "buy" ? box.content.firstElementChild.getAttribute("aria-label") : words.sold) + " " + data.no);
		if (visible) { receipt.replaceChildren(box.content); scroll(receipt); }
	}

	function newRequest() {
		return [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
	}

	function scroll(el) { el.scrollIntoView({ block: "nearest" }); }

	// --- receipts ---

	// print sends the first print as it is; every other one is counted and marked by the counter first.
	function print() {
		const shown = receipt.firstElementChild;
		if (shown && !printed) { printed = true; window.print(); return; }
		const order = shown ? shown.dataset.order : lastOrder;
		if (order) once(() => copy(order, true));
	}

	async function copy(order, toPrinter) {
		const r = await call("receipts/" + encodeURIComponent(order) + "/copies");
		quote.replaceChildren(); sale = null;
		if (!r.ok) { note.innerHTML = r.html; return; }
		note.replaceChildren();
		take(r.html, true);
		if (toPrinter) window.print();
	}

	// --- an order in doubt ---

	// resolve carries out a choice; one that moves money out of the drawer asks first.
	function resolve(what, order, question) {
		if (busy) return;
		if (!question) { carryOut(what, order); return; }
		amount.focus();
		confirm(question, () => carryOut(what, order));
	}

	// confirm asks; the dialog gives the focus back to where it was.
	function confirm(question, then) {
		asked = then;
		armed = false;
		$("ask-text").textContent = question;
		dialog.showModal();
	}

	function carryOut(what, order) {
		const at = seen;
		return once(async () => {
			sale = what === "retry" ? {} : null; // a card is being written: say so
			show();
			try {
				const r = await call("orders/" + encodeURIComponent(order) + "/" + what);
				note.replaceChildren();
				if (!r.ok || what === "void") result(r.html); else take(r.html, at === seen);
			} finally { sale = null; }
		});
	}

	// --- search ---

	async function search() {
		const found = $("found");
		const hit = found.querySelector("[data-act=copy]");
		if (hit && found.dataset.query === $("query").value) return act(hit);
		const r = await call("accounts/search", { query: $("query").value });
		found.innerHTML = r.html;
		found.dataset.query = $("query").value;
		found.hidden = false;
	}

	// hideFound takes the customers that were found from the screen; what is being typed stays.
	function hideFound() {
		$("found").hidden = true;
		$("found").replaceChildren();
		if (document.activeElement !== $("query")) $("query").value = "";
	}

	function closeSearch() {
		$("query").value = "";
		$("found").hidden = true;
		$("found").replaceChildren();
		amount.focus();
	}

	// --- bench of the demo ---

	const benchCards = () => [...document.querySelectorAll("#bench [data-card]:is(li)")];

	const benchMeters = () => [...document.querySelectorAll("#bench .icmeter")];

	// pick marks the one of a list that has the id, or the first.
	function pick(all, key, id) {
		if (all.length && !all.some((x) => x.dataset[key] === id)) id = all[0].dataset[key];
		for (const x of all) x.toggleAttribute("aria-current", x.dataset[key] === id);
		return id;
	}

	function mark(card, at) {
		marked = pick(benchCards(), "card", card);
		meter = pick(benchMeters(), "meter", at);
	}

	// reveal scrolls to the marked one of a bench that is longer than the screen.
	const reveal = (all) => all.find((x) => x.hasAttribute("aria-current"))?.scrollIntoView({ block: "nearest" });

	const after = (all, key, id) => all[(all.findIndex((x) => x.dataset[key] === id) + 1) % all.length].dataset[key];

	async function bench(what, card, meter, use) {
		const r = await call("bench", { do: what, card: card || "", meter: meter || "", use: use || "" });
		if (!r.ok) note.innerHTML = r.html;
		show();
	}

	function benchKey(key) {
		const all = benchCards(), meters = benchMeters();
		const lies = (where) => all.find((c) => c.dataset.where === where);
		if (!all.length) return false;
		const run = {
			n: () => { mark(after(all, "card", marked), meter); reveal(all); },
			g: () => { if (meters.length) { mark(marked, after(meters, "meter", meter)); reveal(meters); } },
			i: () => bench("insert", marked),
			r: () => lies("reader") && bench("remove", lies("reader").dataset.card),
			t: () => lies("meter") && bench("take", lies("meter").dataset.card),
			s: () => meter && bench("swipe", marked, meter),
			u: () => meter && bench("use", "", meter, "1"),
		}[key];
		if (!run) return false;
		run();
		return true;
	}

	// --- keys and buttons ---

	function next() {
		if (busy || unsure) return; // an outcome is awaited: nothing is thrown away
		clear(false);
		show();
		amount.focus();
	}

	function press(selector) {
		const b = [...$("standing").querySelectorAll(selector)].find((x) => !x.closest("[hidden]"));
		if (b) act(b);
		return Boolean(b);
	}

	function nextDesk() {
		const all = desks(), d = desk();
		if (all.length < 2 || busy) return;
		chosen = all[(all.indexOf(d) + 1) % all.length].dataset.reader;
		refresh();
	}

	const keys = {
		"*": () => setMode(mode === "m3" ? "yuan" : "m3"),
		"/": () => { swallow = true; $("query").focus(); },
		"escape": next,
		"p": print,
		"d": nextDesk,
		"w": () => press("[data-act=retry], [data-act=take]"),
		"v": () => press("[data-act=void], [data-act=return]"),
		"m": () => desk() && rare.open("menu " + (desk().dataset.reader || "")),
		"q": () => { const b = document.querySelector("#open [data-act=deed]"); if (b) act(b); },
		"l": () => $("lang").click(),
		"enter": enter,
	};

	document.addEventListener("keydown", (e) => {
		if (e.ctrlKey || e.altKey || e.metaKey || dialog.open || rare.shown()) return;
		if (e.target === $("query")) {
			if (e.key === "Escape") { e.preventDefault(); closeSearch(); }
			return;
		}
		// Under a Chinese input method a letter arrives as "Process"; its place on the keyboard tells which it is.
		const key = (/^Key[A-Z]$/.test(e.code) ? e.code.slice(3) : e.key).toLowerCase();
		if (key === "enter" && e.target.closest("button")) return; // the button does it
		if (e.repeat && key.length > 0 && (keys[key] || key === "enter")) { e.preventDefault(); return; }
		const run = keys[key];
		if (run) { e.preventDefault(); run(); } else if (benchKey(key)) e.preventDefault();
	});

	function act(b) {
		const d = b.dataset;
		switch (d.act) {
		case "sell": return enter();
		case "drop": return next();
		case "print": return print();
		case "deed": return rare.open(d.deed);
		case "retry": case "void": case "take": case "return": return resolve(d.act, d.order, d.ask);
		case "copy": { const order = d.order; closeSearch(); return once(() => copy(order, false)); }
		}
	}

	document.addEventListener("click", (e) => {
		const b = e.target.closest("button");
		if (!b || !b.closest("main, #found")) {
			if (!e.target.closest("#search")) closeFound();
			return;
		}
		if (b.dataset.mode) setMode(b.dataset.mode);
		else if (b.dataset.desk) { chosen = b.dataset.desk; refresh(); }
		else if (b.dataset.look) mark(marked, b.dataset.look);
		else if (b.dataset.bench) {
			mark(b.dataset.card || marked, b.dataset.meter || meter);
			bench(b.dataset.bench, b.dataset.bench === "swipe" ? marked : b.dataset.card, b.dataset.meter, b.dataset.use);
		} else if (b.dataset.act) act(b);
		if (e.detail > 0) amount.focus(); // after the mouse, the keyboard goes on where it was
	});

	function closeFound() { if (!$("found").hidden) closeSearch(); }

	$("query").addEventListener("beforeinput", (e) => { if (swallow && e.data === "/") e.preventDefault(); swallow = false; });
	document.addEventListener("keyup", () => { swallow = false; });
	amount.addEventListener("input", typed);
	amount.addEventListener("compositionend", () => typed());
	$("sale").addEventListener("submit", (e) => e.preventDefault());
	$("search").addEventListener("submit", (e) => { e.preventDefault(); if ($("query").value.trim()) search().catch(() => warn(words.offline)); });
	dialog.querySelector("form").addEventListener("submit", (e) => {
		const then = asked;
		asked = null;
		if (then && e.submitter && e.submitter.value === "yes") then();
	});
	// The key that led to the question, still held down or on its way, is no answer to it.
	dialog.addEventListener("keydown", (e) => { if (e.repeat) e.preventDefault(); else armed = true; });
	dialog.addEventListener("keypress", (e) => { if (!armed) e.preventDefault(); });
	window.addEventListener("afterprint", () => amount.focus());

	// --- live ---

	// While a mouse button or a finger is down nothing is replaced: a click counts only where it began. Not for longer than
	// a second, whatever becomes of the finger.
	let held = null, until = 0; // the newest of each part that came meanwhile
	document.addEventListener("pointerdown", () => { held = held || new Map(); clearTimeout(until); until = setTimeout(release, 1000); });
	for (const end of ["pointerup", "pointercancel"]) window.addEventListener(end, () => { clearTimeout(until); until = setTimeout(release, 0); });
	function release() {
		const late = held;
		held = null;
		for (const [name, html] of late || []) update(name, html);
	}

	function update(name, html) {
		if (held) { held.set(name, html); return; }
		const part = $(name);
		if (!part) return;
		const focused = part.contains(document.activeElement) ? document.activeElement.id : null;
		part.innerHTML = html;
		if (name === "bench") mark(marked, meter);
		if (focused !== null) (focused && $(focused) || amount).focus();
		if (name === "desks" || name === "standing") refresh();
	}

	function live() {
		const source = new EventSource("/events");
		for (const name of LIVE) source.addEventListener(name, (e) => { $("lost").hidden = true; update(name, e.data); });
		source.addEventListener("bye", () => { source.close(); login(); });
		source.onerror = () => {
			$("lost").hidden = false;
			held = null;
			$("desks").replaceChildren(); $("standing").replaceChildren(); // what lies on the reader is not known any more
			show();
			if (source.readyState === EventSource.CLOSED) again();
		};
	}

	// again comes back after a refusal: to the login when the session has ended.
	async function again() {
		try {
			const r = await fetch("/api/v1/session", { headers: { "Accept": "application/json" } });
			if (r.status === 401) { login(); return; }
		} catch { /* the service is not there yet */ }
		setTimeout(live, 2000);
	}

	const rare = window.deeds({
		call, once, warn, alert, result, take, newRequest, ask: confirm,
		busy: () => busy, seen: () => seen,
		home: () => { closeFound(); amount.focus(); },
	});
	refresh();
	mark(null, null);
	live();
	amount.focus();
})();
