# Completes the words of heliostat. What it knows of the commands stands at the end.

# The words before the cursor, without heliostat itself and without options.
function __heliostat_words
    set -l words (commandline -opc)
    for word in $words[2..-1]
        string match -q -- '-*' $word; or echo $word
    end
end

# Whether these words begin the line.
function __heliostat_in
    set -l words (__heliostat_words)
    set -l wanted (count $argv)
    test (count $words) -ge $wanted; or return 1
    test $wanted -eq 0; and return 0
    test (string join " " $words[1..$wanted]) = "$argv"
end

# Whether so many operands (the first argument) follow these words, and nothing else.
function __heliostat_at
    set -l words (__heliostat_words)
    set -l expected (math (count $argv) - 1 + $argv[1])
    test (count $words) -eq $expected; or return 1
    __heliostat_in $argv[2..-1]
end

function __heliostat_names
    heliostat complete-names $argv[1] (commandline -ct) 2>/dev/null
end

complete -c heliostat -f
