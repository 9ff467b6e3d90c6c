/** What the compiler does not tell by itself: variants of a union, and the code of an error. */
import ts from 'typescript';
import { flowing, NO_DOC, type Doc } from './doc.js';

export interface Variant {
  readonly name: string;
  /** Its further fields. */
  readonly type: string;
  readonly doc: Doc;
}

/** A union of objects that a `type` tells apart; undefined for anything else. */
export function variantsOf({ type }: ts.TypeAliasDeclaration): readonly Variant[] | undefined {
  if (!ts.isUnionTypeNode(type)) return undefined;
  const variants = type.types.map((member) => variantOf(member, type.getSourceFile().text));
  return variants.every((variant) => variant !== undefined) ? variants : undefined;
}

function variantOf(member: ts.TypeNode, source: string): Variant | undefined {
  const inner = ts.isParenthesizedTypeNode(member) ? member.type : member;
  const literal = ts.isIntersectionTypeNode(inner) ? inner.types.find(ts.isTypeLiteralNode) : inner;
  if (literal === undefined || !ts.isTypeLiteralNode(literal)) return undefined;
  const fields = literal.members.filter(ts.isPropertySignature);
  const tag = fields.find(({ name }) => name.getText() === 'type')?.type?.getText();
  if (tag === undefined) return undefined;
  const others = fields.filter(({ name }) => name.getText() !== 'type');
  return {
    name: tag.replace(/'/g, ''),
    type: others.map((field) => field.getText().replace(/^readonly |;$/g, '')).join('; '),
    doc: { ...NO_DOC, text: commentBefore(member, source) },
  };
}

/** The comment stands before the `|` that leads to the member, so it is part of nothing. */
function commentBefore(member: ts.TypeNode, source: string): string {
  const before = source.slice(0, member.getStart());
  const found = /\/\*\*((?:(?!\*\/)[^])*)\*\/\s*\|?\s*$/.exec(before)?.[1] ?? '';
  return flowing(found.replace(/^\s*\* ?/gm, ''));
}

/** The stable code that an error's constructor hands to {@link CacheError}. */
export function codeOfError(declaration: ts.ClassDeclaration): string | undefined {
  const text = declaration.getText();
  return /super\(\s*'(CACHE_\w+)'/.exec(text)?.[1];
}
