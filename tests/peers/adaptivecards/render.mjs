// Renders cards and mails in headless Chromium. One JSON request on standard input:
//   {"chromium": path, "jobs": [{"name", "kind": "card"|"html", "content", "width", "png": path|null}]}
// One JSON answer on standard output: {name: {"text", "events", "failures", "links", "height"}}.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';

const require = createRequire(import.meta.url);
const script = (path) => readFileSync(require.resolve(path), 'utf8');
const request = JSON.parse(readFileSync(0, 'utf8'));

// What Teams gives a card in its light theme, as far as it is documented.
const STYLES = {
  attention: '#fdf3f4', warning: '#fbf6d9', good: '#e7f2da', accent: '#e8ebfa', emphasis: '#f5f5f5',
};

function page(body) {
  return `<!DOCTYPE html><html><head><meta charset="utf-8"></head>
<body style="margin:0;background:#f5f5f5"><div id="root" style="margin:8px">${body}</div></body></html>`;
}

async function cardTab(browser) {
  const tab = await browser.newPage();
  await tab.setContent(page(''));
  await tab.addScriptTag({ content: script('markdown-it/dist/markdown-it.min.js') });
  await tab.addScriptTag({ content: script('adaptivecards/dist/adaptivecards.min.js') });
  return tab;
}

async function renderCard(tab, card) {
  return tab.evaluate(({ card, styles }) => {
    const AC = globalThis.AdaptiveCards;
    const markdown = globalThis.markdownit();
    AC.AdaptiveCard.onProcessMarkdown = (text, result) => {
      result.outputHtml = markdown.render(text);
      result.didProcess = true;
    };
    const adaptive = new AC.AdaptiveCard();
    const containerStyles = Object.fromEntries(
      Object.entries(styles).map(([name, colour]) => [name, { backgroundColor: colour }]));
    adaptive.hostConfig = new AC.HostConfig({
      fontFamily: "'Segoe UI', 'DejaVu Sans', sans-serif",
      supportsInteractivity: true,
      spacing: { small: 8, default: 12, medium: 16, large: 20, extraLarge: 24, padding: 16 },
      factSet: {
        title: { weight: 'bolder', wrap: true, maxWidth: 150 }, value: { wrap: true }, spacing: 16,
      },
      containerStyles: { default: { backgroundColor: '#ffffff' }, ...containerStyles },
    });
    const context = new AC.SerializationContext();
    adaptive.parse(card, context);
    const events = [];
    for (let n = 0; n < context.eventCount; n += 1) events.push(context.getEventAt(n).message);
    const failures = adaptive.validateProperties().validationEvents.map((event) => event.message);
    const element = adaptive.render();
    element.style.borderRadius = '6px';
    element.style.boxShadow = '0 1px 3px rgba(0,0,0,.3)';
    document.getElementById('root').replaceChildren(element);
    return { events, failures };
  }, { card, styles: STYLES });
}

const browser = await chromium.launch({
  executablePath: request.chromium, args: ['--no-sandbox', '--disable-gpu'],
});
const answer = {};
try {
  const tabs = { card: await cardTab(browser), html: await browser.newPage() };
  for (const job of request.jobs) {
    const tab = tabs[job.kind];
    await tab.setViewportSize({ width: job.width, height: 600 });
    let found = { events: [], failures: [] };
    if (job.kind === 'card') found = await renderCard(tab, job.content);
    else await tab.setContent(job.content);
    const seen = await tab.evaluate(() => ({
      text: document.body.innerText,
      links: [...document.querySelectorAll('a')].map((a) => a.href),
      height: document.documentElement.scrollHeight,
      wide: document.documentElement.scrollWidth > globalThis.innerWidth,
    }));
    if (job.png) await tab.screenshot({ path: job.png, fullPage: true });
    answer[job.name] = { ...found, ...seen };
  }
} finally {
  await browser.close();
}
process.stdout.write(JSON.stringify(answer));
