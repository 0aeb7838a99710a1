import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeHtml, html, jsonElement, trusted } from '../../src/page/html.js';

describe('html', () => {
  it('escapes what is inserted, in elements and attributes', () => {
    const evil = `"><script>alert('x')</script>&`;
    expect(html`<p title="${evil}">${evil}</p>`.markup).toBe(
      '<p title="&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;">' +
        '&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;</p>',
    );
  });

  it('takes markup, numbers and lists as they are, and leaves out what is not there', () => {
    const items = ['a', '<b>'].map((text) => html`<li>${text}</li>`);
    // prettier-ignore
    const list = html`<ul>${items}${null}${undefined}${false}${0}${trusted('<hr>')}</ul>`;
    expect(list.markup).toBe('<ul><li>a</li><li>&lt;b&gt;</li>0<hr></ul>');
  });

  it('lets no text out of its place', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 30 }), (text) => {
        expect(escapeHtml(text)).not.toMatch(/[<>"']/);
        const back = escapeHtml(text)
          .replaceAll('&lt;', '<')
          .replaceAll('&gt;', '>')
          .replaceAll('&quot;', '"')
          .replaceAll('&#39;', "'")
          .replaceAll('&amp;', '&');
        expect(back).toBe(text);
      }),
    );
  });
});

describe('jsonElement', () => {
  it('cannot be ended by a text in it', () => {
    const value = { name: '</script><script>alert(1)</script><!--' };
    const { markup } = jsonElement(value);
    const inner = markup.slice('<script type="application/json">'.length, -'</script>'.length);
    expect(inner).not.toContain('<');
    expect(JSON.parse(inner)).toEqual(value);
  });
});
