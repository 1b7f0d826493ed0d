/** What a node may be called where its figures are drawn: it becomes the name of a folder, and of a run in other programs. */
export const figuresName = /^[A-Za-z0-9][\w.-]{0,63}$/;
