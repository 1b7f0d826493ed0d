/**
 * A browser may name a locale that its own Intl refuses, as `en-US@posix` where its environment is that of POSIX. uPlot asks Intl for it while
 * it loads, and what it throws there leaves the page empty: to be imported before it.
 */
const fallback = 'en-US';

function isLocale(name: string): boolean {
  try {
    return Intl.getCanonicalLocales(name).length === 1;
  } catch {
    return false;
  }
}

if (!isLocale(navigator.language))
  Object.defineProperty(navigator, 'language', { value: fallback, configurable: true });
