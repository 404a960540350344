export { ExpressionEvaluator, type Variables } from "./evaluator.ts";
export { compileExpression, type Expression } from "./expression.ts";
export { compileTemplate, isExpressionText, type Template } from "./template.ts";
export { isObject, setMember } from "./values.ts";
