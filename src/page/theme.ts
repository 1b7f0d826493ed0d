/** Light or dark, as the system has it or as somebody chose. */
const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const key = 'theme';

export function nextTheme(theme: Theme): Theme {
  return THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]!;
}

/** A browser may keep nothing: then the system decides. */
export function rememberedTheme(): Theme {
  try {
    const kept = localStorage.getItem(key);
    return THEMES.find((theme) => theme === kept) ?? 'system';
  } catch {
    return 'system';
  }
}

export function rememberTheme(theme: Theme): void {
  const isDark =
    theme === 'dark' || (theme === 'system' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.dataset['theme'] = isDark ? 'dark' : 'light';
  try {
    localStorage.setItem(key, theme);
  } catch {
    // It is remembered for as long as the page is open.
  }
}
