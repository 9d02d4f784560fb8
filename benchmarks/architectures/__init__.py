"""Which architectures of the installed Transformers ``verify`` reads, and whether what it declares of them is true.

``python -m benchmarks.architectures [--types a,b] [--out FILE]`` needs ``pip install -e ".[families]"``; with
``timm``, ``torchvision``, ``pillow`` and ``sentencepiece`` more types can be built, with ``diffusers`` and ``timm``
denoisers and towers of these libraries too.
Each model type is built at toy width with random numbers, and saved under the names of the Hub and under those of the
live model (``save_original_format=False``). Then

1. ``verify`` reads it: its parts, their tables, the share of numbers left out, or the refusal's sentence
   (``declared``);
2. a random element of every group that a test rests on is applied to the stored numbers, and forward passes before
   and after are compared; the same is done with an element broken on purpose, which must change them (``groups``,
   ``stream``, ``census``);
3. symmetries that are not declared are tried as well, to see what is lost;
4. a child (noise of 1%) and a stranger are tested.

A line of JSON for each type is appended to ``--out`` (default ``architectures.jsonl`` in a folder for temporary
files, which is printed); a run goes on where it stopped. Once all types are there, ``tables/architectures.json``, its
page and the table of ``tests/architectures.py`` (names, shapes and configurations, without torch) are written.
After a change of the tables of families, delete the file of lines and run again: about a quarter of an hour of
one CPU. After a change that concerns some types alone, ``--types a,b --keep`` writes the tables with new lines of
these; ``tests/test_architectures.py`` fails if any other type is read otherwise than its line says.
"""
