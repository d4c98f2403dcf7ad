// The rare operations: a menu and its forms, each a <template data-deed="…"> that the counter has put into the page. They
// are shown one at a time in one dialog. Like the rest of the page this holds no rule: a form says where it goes
// (data-path), with which card (data-reader), what is asked first (data-ask), and after which refusals it stays (data-keep).
"use strict";
window.deeds = (page) => {
	const box = document.getElementById("deed"), words = document.getElementById("words").dataset;
	let request = null;  // under which this form is carried out, however often it is sent
	let unsure = false;  // it was sent and nothing came back
	let swallow = "";    // the key that opened a form must not be typed into it

	function open(name) {
		const t = [...document.querySelectorAll("template[data-deed]")].find((x) => x.dataset.deed === name);
		if (!t || page.busy()) return;
		request = page.newRequest();
		unsure = false;
		box.replaceChildren(t.content.cloneNode(true));
		box.setAttribute("aria-label", box.querySelector("h2").textContent);
		box.querySelectorAll(".menu li button:enabled kbd").forEach((k, i) => { k.textContent = i + 1; });
		if (!box.open) box.showModal();
		(box.querySelector("[autofocus]") || box.querySelector("button:enabled")).focus();
	}

	// shut closes the dialog and sends the keyboard home in one go: the browser's own close event comes later, and a key
	// pressed before it would go astray.
	function shut() {
		box.close();
		tidy();
	}

	function tidy() {
		if (box.open || !box.firstElementChild) return;
		const text = unsure && box.querySelector("form[data-reader]") ? words.deed : "";
		box.replaceChildren();
		unsure = false;
		if (text) page.warn(text);
		page.home();
	}

	// leave closes what belongs to a card, when that card is gone.
	function leave() { if (box.querySelector("[data-reader]")) shut(); }

	function body(form) {
		const out = {};
		for (const f of form.elements) {
			if (!f.name || f.closest(".for-parameter")?.offsetParent === null || (f.type === "radio" || f.type === "checkbox") && !f.checked) continue;
			const [a, b] = f.name.split(".");
			if (b) (out[a] ||= {})[b] = f.value; else out[a] = f.value;
		}
		const d = form.dataset;
		return "reader" in d ? { ...out, request, reader: d.reader, insertion: Number(d.insertion) } : out;
	}

	function send(form) {
		const at = page.seen();
		return page.once(async () => {
			const sent = body(form);
			form.classList.add("sent");
			box.focus(); // the keys stay with the dialog while nothing in it can be pressed
			form.inert = true;
			let r = null;
			try { r = await page.call(form.dataset.path, sent); } catch { /* told below */ }
			form.inert = false;
			form.classList.remove("sent");
			for (const p of form.querySelectorAll("[type=password]")) p.value = "";
			if (r === null) {
				const text = "reader" in form.dataset ? words.deed : words.offline;
				unsure = true;
				if (!form.isConnected) { page.warn(text); return; }
				trouble(form, page.alert(text));
				return;
			}
			unsure = false;
			const answer = document.createElement("template");
			answer.innerHTML = r.html;
			const first = answer.content.firstElementChild;
			if (!r.ok && form.isConnected && form.dataset.keep.split(" ").includes(first.dataset.code)) {
				trouble(form, answer.content);
				return;
			}
			if (form.isConnected) shut();
			if (r.ok && first.classList.contains("receipt")) page.take(r.html, at === page.seen()); else page.result(r.html);
		});
	}

	// trouble says in the form what went wrong, and waits for another try.
	function trouble(form, what) {
		form.querySelector(".trouble").replaceChildren(what);
		(form.querySelector("[type=password]") || form.querySelector("textarea, .primary")).focus();
	}

	box.addEventListener("submit", (e) => {
		e.preventDefault();
		const form = e.target;
		if (page.busy()) return;
		const missing = [...form.elements].find((f) => f.required && form.elements[f.name].value.trim() === "");
		for (const f of form.elements) f.removeAttribute("aria-invalid");
		if (missing) { missing.setAttribute("aria-invalid", "true"); missing.focus(); return; }
		const chosen = form.querySelector("[data-ask]:checked");
		if (chosen) page.ask(chosen.dataset.ask, () => send(form)); else send(form);
	});
	box.addEventListener("click", (e) => {
		const b = e.target.closest("button");
		if (!b) return;
		if ("close" in b.dataset) shut();
		else if (b.dataset.deed) open(b.dataset.deed);
	});
	box.addEventListener("keydown", (e) => {
		if (e.isComposing) return;
		if (e.key === "Escape" && page.busy() || e.key === "Enter" && e.repeat) { e.preventDefault(); return; }
		if (e.key === "Enter" && !e.shiftKey && e.target.matches("textarea, [type=radio]")) { e.preventDefault(); e.target.form.requestSubmit(); return; }
		const b = /^[1-9]$/.test(e.key) && box.querySelectorAll(".menu li button:enabled")[e.key - 1];
		if (b) { e.preventDefault(); swallow = e.key; b.click(); }
	});
	box.addEventListener("beforeinput", (e) => {
		if (swallow && e.data === swallow || e.inputType === "insertLineBreak" && e.target.matches("textarea")) e.preventDefault(); // a reason is one paragraph
		swallow = "";
	});
	box.addEventListener("keyup", () => { swallow = ""; });
	box.addEventListener("cancel", (e) => {
		if (page.busy()) e.preventDefault();
		else if (e.cancelable) { e.preventDefault(); shut(); }
	});
	box.addEventListener("close", tidy); // the browser closed it without asking

	return { open, leave, shown: () => box.open };
};
