// Reads a timeline and moves along it. What it returns is plain data; nothing of the page is ever executed.
// Arguments: what to do ("look", "expand" or "scroll"), the selectors, and ids of tweets.
const [action, select, ids] = arguments;

// The nearest node of the tweet itself, not of one that it quotes.
const own = (tweet, selector) =>
  [...tweet.querySelectorAll(selector)].find((node) => {
    const quote = node.closest(select.quote);
    return !quote || quote === tweet || !tweet.contains(quote);
  });

const shown = (node) => node.getClientRects().length > 0;
const top = (node) => node.getBoundingClientRect().top;

const tweets = () =>
  [...document.querySelectorAll(select.tweet)]
    .filter((tweet) => !tweet.parentElement.closest(select.tweet))
    .sort((one, other) => top(one) - top(other));

// "/name/status/123" of the tweet: the link around its time, else the first of its own.
const permalink = (tweet) => {
  const time = own(tweet, select.time);
  const link = (time && time.closest(select.permalink)) || own(tweet, select.permalink);
  return link ? link.getAttribute("href") : "";
};
const idOf = (tweet) => (permalink(tweet).match(/\/status\/(\d+)/) || ["", ""])[1];

// The text as a person reads it: emoji are pictures, whose alternative text they are.
const textOf = (node) => {
  if (node.nodeType === Node.TEXT_NODE) return node.data;
  if (node.nodeType !== Node.ELEMENT_NODE || node.matches(select.more)) return "";
  if (node.tagName === "IMG") return node.getAttribute("alt") || "";
  if (node.tagName === "BR") return "\n";
  let parts = [...node.childNodes];
  // Of a long link the page hides the ends and adds an ellipsis of its own.
  const last = node.lastElementChild;
  if (node.tagName === "A" && last && last.matches("[aria-hidden=true]") && last.textContent === "…") parts.pop();
  return parts.map(textOf).join("");
};

const countOf = (tweet, selector) => {
  const button = own(tweet, selector);
  return button ? { label: button.getAttribute("aria-label") || "", shown: button.textContent } : null;
};

const read = (tweet) => {
  const time = own(tweet, select.time);
  const text = own(tweet, select.text);
  const author = own(tweet, select.author);
  const more = own(tweet, select.more);
  const profile = author && author.querySelector('a[href^="/"]');
  return {
    id: idOf(tweet),
    link: permalink(tweet),
    profile: profile ? profile.getAttribute("href") : "",
    time: time ? time.getAttribute("datetime") : "",
    text: text ? textOf(text) : null,
    lang: text ? text.getAttribute("lang") : null,
    links: text ? [...text.querySelectorAll("a")].map(textOf) : [],
    more: !more ? "" : more.tagName === "A" ? "link" : "button",
    replies: countOf(tweet, select.reply),
    reposts: countOf(tweet, select.retweet),
    likes: countOf(tweet, select.like),
  };
};

// What the page says besides its tweets; without tweets, all that stands in its column.
const noticeOf = (found) => {
  const cells = [...document.querySelectorAll(select.cell)].filter((cell) => !cell.querySelector(select.tweet));
  const nodes = [...document.querySelectorAll(select.notice), ...cells];
  if (!found.length) nodes.push(document.querySelector(select.column) || document.body);
  return nodes.filter((node) => shown(node) && !node.closest(select.tweet)).map((node) => node.innerText).join("\n");
};

// What the site has answered since the last look: paths and HTTP status codes, in order; 0 where that is hidden.
const answers = () => {
  const found = ["navigation", "resource"].flatMap((kind) => performance.getEntriesByType(kind));
  performance.clearResourceTimings();
  return found.map((answer) => [new URL(answer.name).pathname, answer.responseStatus || 0]);
};

const look = () => {
  const found = tweets();
  return {
    tweets: found.map(read),
    path: location.pathname,
    loading: [...document.querySelectorAll(select.loading)].some((node) => shown(node) && !node.closest(select.tweet)),
    login: [...document.querySelectorAll(select.login)].some(shown),
    empty: [...document.querySelectorAll(select.empty)].some(shown),
    answers: answers(),
    notice: noticeOf(found).slice(0, 1000),
  };
};

const expand = () => {
  const cut = tweets().filter((tweet) => ids.includes(idOf(tweet)) && own(tweet, select.more));
  cut.forEach((tweet) => own(tweet, select.more).click());
  return cut.length;
};

// Move the last tweet that was read to the top, so that none can pass unread; past it if it is there already.
const scroll = () => {
  const before = window.scrollY;
  const last = tweets().find((tweet) => idOf(tweet) === ids[0]);
  if (last) last.scrollIntoView({ block: "start", behavior: "instant" });
  if (window.scrollY - before < 50 && (last || !ids.length)) window.scrollBy({ top: window.innerHeight * 0.8, behavior: "instant" });
};

return { look, expand, scroll }[action]();
