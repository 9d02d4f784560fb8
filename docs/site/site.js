// What the theme leaves out: what scrolls can be reached by keyboard, captions have a level, and sidebars a name.
for (const region of document.querySelectorAll("pre, .table-wrapper")) region.tabIndex = 0;
for (const caption of document.querySelectorAll("[role=heading]:not([aria-level])")) caption.ariaLevel = "2";
for (const [name, label] of [["sidebar", "All pages"], ["toc", "This page"]])
  document.querySelector(`.${name}-drawer`)?.setAttribute("aria-label", label);
