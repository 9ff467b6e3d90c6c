const isStyled = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;

export const bold = styled(1);
export const dim = styled(2);
export const green = styled(32);
export const red = styled(31);

function styled(code: number): (text: string) => string {
  return (text) => (isStyled ? `\u001B[${code}m${text}\u001B[0m` : text);
}
