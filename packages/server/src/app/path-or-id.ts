/** A row's id, or a full path such as `group/sub/project`. */
export type PathOrId = number | string;
