(function () {
  'use strict';
  var root = document.documentElement;
  var byId = function (id) { return document.getElementById(id); };
  var all = function (selector, from) { return Array.prototype.slice.call((from || document).querySelectorAll(selector)); };

  var theme = byId('theme');
  var isDark = function () {
    var chosen = root.getAttribute('data-theme');
    return chosen ? chosen === 'dark' : window.matchMedia('(prefers-color-scheme: dark)').matches;
  };
  var label = function () { theme.textContent = isDark() ? 'Light' : 'Dark'; };
  theme.hidden = false;
  label();
  theme.addEventListener('click', function () {
    root.setAttribute('data-theme', isDark() ? 'light' : 'dark');
    label();
  });

  var folded = [];
  window.addEventListener('beforeprint', function () {
    folded = all('details:not([open])');
    folded.forEach(function (d) { d.open = true; });
  });
  window.addEventListener('afterprint', function () {
    folded.forEach(function (d) { d.open = false; });
    folded = [];
  });

  var unfold = function () {
    var target = location.hash && byId(decodeURIComponent(location.hash.slice(1)));
    if (target && target.tagName === 'DETAILS') {
      target.open = true;
      target.scrollIntoView();
    }
  };
  window.addEventListener('hashchange', unfold);
  unfold();

  var form = byId('filter');
  if (!form) { return; }
  var value = function (id) { var e = byId(id); return e ? e.value : ''; };
  var rules = all('details.rule');
  var findings = all('.finding');
  var texts = findings.map(function (f) {
    return (f.textContent + ' ' + f.closest('details.rule').querySelector('summary').textContent).toLowerCase();
  });
  var open = byId('f-open');
  var apply = function () {
    var text = value('f-text').trim().toLowerCase();
    var onlyNew = byId('f-new') && byId('f-new').checked;
    var pairs = [['severity', value('f-severity')], ['gate', value('f-gate')], ['env', value('f-env')]];
    var active = text || onlyNew || pairs.some(function (p) { return p[1]; });
    var shown = 0;
    findings.forEach(function (f, i) {
      var fits = pairs.every(function (p) { return !p[1] || f.getAttribute('data-' + p[0]) === p[1]; }) &&
        (!onlyNew || f.hasAttribute('data-new')) && texts[i].indexOf(text) >= 0;
      f.hidden = !fits;
      shown += fits ? 1 : 0;
    });
    rules.forEach(function (r) {
      var left = all('.finding:not([hidden])', r).length;
      r.hidden = left === 0;
      r.querySelector('.times').textContent = left;
      if (active && left > 0 && shown <= 25) { r.open = true; }
    });
    all('#findings > h3').forEach(function (h) {
      var any = false;
      for (var e = h.nextElementSibling; e && e.tagName !== 'H3'; e = e.nextElementSibling) { any = any || !e.hidden; }
      h.hidden = !any;
    });
    byId('f-count').textContent = active ? shown + ' of ' + findings.length : '';
  };
  form.hidden = false;
  form.addEventListener('input', apply);
  form.addEventListener('submit', function (e) { e.preventDefault(); });
  open.addEventListener('click', function () {
    var unfolding = rules.some(function (r) { return !r.open; });
    rules.forEach(function (r) { r.open = unfolding; });
    open.textContent = unfolding ? 'Fold all' : 'Unfold all';
  });
})();
