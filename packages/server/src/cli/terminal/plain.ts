/** Text of others on our terminal: without what a terminal would act upon, or what would turn the reading round. */
export function plain(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Bidi_Control}]+/gu, " ");
}
