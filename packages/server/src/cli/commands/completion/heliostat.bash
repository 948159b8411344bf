# Completes the words of heliostat. What it knows of the commands stands at the end, in _heliostat_know.

_heliostat() {
  local current=${COMP_WORDS[COMP_CWORD]} command="" taker="" operand=0 word entry index
  _heliostat_know ""
  for ((index = 1; index < COMP_CWORD; index++)); do
    word=${COMP_WORDS[index]}
    if [[ -n $taker ]]; then
      taker=""
    elif [[ $word == -* ]]; then
      for entry in "${_heliostat_takers[@]}"; do
        [[ ${entry%%=*} == "$word" ]] && taker=${entry#*=}
      done
    elif [[ " ${_heliostat_commands[*]} " == *" $word "* ]]; then
      command="${command:+$command }$word"
      _heliostat_know "$command"
    else
      operand=$((operand + 1))
    fi
  done

  COMPREPLY=()
  if [[ -n $taker ]]; then
    _heliostat_values "$taker" "$current"
  elif [[ $current == -* ]]; then
    _heliostat_match "$current" "${_heliostat_options[@]}"
  elif ((${#_heliostat_commands[@]} > 0)); then
    _heliostat_match "$current" "${_heliostat_commands[@]}"
  elif ((operand < ${#_heliostat_operands[@]})); then
    _heliostat_values "${_heliostat_operands[@]:$operand:1}" "$current"
  fi
}

_heliostat_match() {
  local start=$1 word
  shift
  for word in "$@"; do
    [[ $word == "$start"* ]] && COMPREPLY+=("$word")
  done
}

_heliostat_values() {
  local name
  case "$1" in
    project | group | user)
      while IFS= read -r name; do
        COMPREPLY+=("$name")
      done < <(heliostat complete-names "$1" "$2" 2> /dev/null)
      ;;
    shell) _heliostat_match "$2" bash zsh fish ;;
  esac
}
