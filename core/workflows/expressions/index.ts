export { ExpressionEvaluator, type Variables } from "./evaluator.ts";
export { compileTemplate, isExpressionText, type Template } from "./template.ts";
export { isObject } from "./values.ts";
