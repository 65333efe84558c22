"""Russian texts of the command line, keyed by the English ones."""

# What stands for a value in the help.
METAVARS: dict[str, str] = {
    "MODEL": "МОДЕЛЬ",
    "SCENARIO": "СЦЕНАРИЙ",
    "MODEL|SCENARIO": "МОДЕЛЬ|СЦЕНАРИЙ",
    "PROBLEM": "ЗАДАЧА",
    "NAME=VALUE": "ИМЯ=ЗНАЧЕНИЕ",
    "NUMBER": "ЧИСЛО",
    "METHOD": "МЕТОД",
    "INT": "ЦЕЛОЕ",
    "FILE": "ФАЙЛ",
    "TIME": "ВРЕМЯ",
    "YEAR": "ГОД",
    "YEARS": "ГОДЫ",
    "ID": "ИМЯ",
    "DIR": "ПАПКА",
    "FILE|DIR": "ФАЙЛ|ПАПКА",
    "SHARE": "ДОЛЯ",
    "NAME": "ИМЯ",
    "KIND": "ВИД",
}

RUSSIAN: dict[str, str] = {
    # the frame of the help
    "Usage: ": "Вызов: ",
    "COMMAND": "КОМАНДА",
    "Examples:": "Примеры:",
    "Commands:": "Команды:",
    "Arguments": "Аргументы",
    "Options": "Параметры",
    "Common options": "Общие параметры",
    "`alliance COMMAND --help` shows the options of a command, `alliance --version` the version.": (
        "`alliance КОМАНДА --help` показывает параметры команды, `alliance --version` — версию."
    ),
    "Exit codes:": "Коды завершения:",
    "draws from the parameter ranges, besides their corners; 0: the default values alone (1000)": (
        "число розыгрышей из диапазонов параметров, помимо их углов; 0 — только исходные значения (1000)"
    ),
    "runs that go non-finite: stop, or leave their base points out (error)": (
        "прогоны, ушедшие в бесконечность: остановиться (error) или исключить их базовые точки (drop_block)"
    ),
    "share of base points that may be left out (0.01)": "доля базовых точек, которые можно исключить (0.01)",
    "0 done, 1 a check failed, 2 wrong usage, 3 wrong input file, 4 numerical failure, 5 not supported,": (
        "0 готово, 1 проверка не пройдена, 2 ошибка в команде, 3 ошибка во входном файле, 4 сбой счёта,"
    ),
    "6 data or model not as recorded, 7 too many failed draws, 130 interrupted": (
        "5 не поддерживается, 6 данные или модель не те, что записаны, 7 слишком много сбоев, 130 прервано"
    ),
    "language of messages": "язык сообщений",
    "print one JSON object instead of text": "вывести один объект JSON вместо текста",
    "auto, rich (a bar), plain (lines), json (an object a line) or none (auto)": (
        "auto, rich (полоса), plain (строки), json (объект в строке) или none (auto)"
    ),
    "say what would be done, and do nothing": "сказать, что было бы сделано, и ничего не делать",
    "no progress and no closing lines": "без хода работы и заключительных строк",
    "show the traceback of an error": "показывать трассировку ошибки",
    "show this help": "показать эту справку",
    # summaries of the commands
    "The main job: calibrate, compare regimes, sensitivity, reports in two languages.": (
        "Главная работа: калибровка, сравнение режимов, анализ чувствительности, отчёты на двух языках."
    ),
    "Fit a model to data: many starts, what the data say about each parameter, intervals from posterior draws.": (
        "Подгонка модели к данным: много стартов, что данные говорят о каждом параметре, апостериорные интервалы."
    ),
    "Compare regimes or scenarios with a baseline, over the same draws of what is uncertain.": (
        "Сравнение режимов или сценариев с базовым на одних и тех же выборках неопределённых величин."
    ),
    "Which levers and uncertainties the outcomes hang on: Sobol indices with intervals.": (
        "От каких рычагов и неопределённостей зависят результаты: индексы Соболя с интервалами."
    ),
    "Check a model: its units, its time step and what must hold of its behaviour.": (
        "Проверка модели: шаг по времени и обязательные свойства поведения."
    ),
    # options
    "name of a problem, or its folder (tatarstan)": "имя задачи или её папка (tatarstan)",
    "every stage with small samples; not for decisions": "все этапы на малых выборках; не для принятия решений",
    "folder of the results (results/PROBLEM)": "папка результатов (results/ЗАДАЧА)",
    "folder of the results (results/PROBLEM_calibration)": "папка результатов (results/ЗАДАЧА_calibration)",
    "folder of tables and figures (none is written)": "папка таблиц и рисунков (не записываются)",
    "seed of all random draws (1)": "начальное число всех случайных выборок (1)",
    "threads; results do not depend on their number (auto)": "число потоков; на результат не влияет (auto)",
    "year from which the regimes differ (that of the regimes)": "год, с которого режимы различаются (из режимов)",
    "number of starts of the search (64; 24 for tatarstan)": "число стартов поиска (64; для tatarstan 24)",
    "leave out the posterior draws": "без апостериорной выборки",
    "number of draws, from a quick calibration (200)": "объём выборки, из быстрой калибровки (200)",
    "scenario files or ids of regimes (all regimes)": "файлы сценариев или имена режимов (все режимы)",
    "what the others are compared with (R1)": "с чем сравниваются остальные (R1)",
    "years parted by commas (2030,2040,2050)": "годы через запятую (2030,2040,2050)",
    "built-in model or model file (alliance)": "встроенная модель или файл модели (alliance)",
    "Run again what made a results folder, and say: identical, within tolerance, or different and where.": (
        "Повторить расчёт из папки результатов и сказать, те же ли числа, а если нет, то где расхождение."
    ),
    "Write the reports of a results folder again, as pages and as PDF.": (
        "Заново написать отчёты по папке результатов: страницы и PDF."
    ),
    "folder of results with its manifest.json": "папка результатов с её manifest.json",
    "compare the files with the manifest's hashes, run nothing": "только сверить файлы с хешами, ничего не считать",
    "{count} files are those of the manifest.": "Файлов: {count}; все те же, что в manifest.json.",
    "Again, `{command}`: identical, {count} files compared.": "Повтор `{command}`: файлы совпадают, всего {count}.",
    "Again, `{command}`: within tolerance, {count} files compared.": (
        "Повтор `{command}`: расхождения в пределах допуска, файлов {count}."
    ),
    "Again, `{command}`: different, {count} files compared.": "Повтор `{command}`: есть расхождения, файлов {count}.",
    "report, brief, sensitivity, calibration, parted by commas (all)": (
        "report, brief, sensitivity, calibration через запятую (все)"
    ),
    "kinds of files, parted by commas (both)": "виды файлов через запятую (оба)",
    "languages of the reports, parted by commas (both)": "языки отчётов через запятую (оба)",
    "folder of the reports (that of the results)": "папка отчётов (та же, что у результатов)",
    "Write the explorer: one page on which the model runs in a browser, levers as sliders.": (
        "Записать интерактивную страницу: модель считает в браузере, рычаги — ползунки."
    ),
    "scenario files: presets beside the regimes, the first is shown at once": (
        "файлы сценариев: кнопки рядом с режимами; первый показан сразу"
    ),
    "page to write (explorer.html)": "файл страницы (explorer.html)",
    "folder that keeps the runs, to go on after an interruption (none)": "папка прогонов, чтобы продолжить потом (нет)",
    "threads, processes, dask or dask:ADDRESS (threads)": "threads, processes, dask или dask:АДРЕС (threads)",
    "runs in one shard of the sweep (4096)": "прогонов в одной части серии (4096)",
    "base points of one design, a power of two (16)": "число базовых точек одного плана, степень двойки (16)",
    "independently scrambled designs, for the intervals (4)": (
        "число независимо перемешанных планов, для интервалов (4)"
    ),
    "built-in model or model file (alliance), then scenario files (.toml) or ids of regimes, laid over one another: "
    "later wins": (
        "встроенная модель или файл модели (alliance), затем файлы сценариев (.toml) или имена режимов; они "
        "накладываются друг на друга, последний сильнее"
    ),
    "change a constant or a lever; may be repeated, wins over scenarios": (
        "изменить константу или рычаг; можно повторять, сильнее сценариев"
    ),
    "change a constant, a lever, a stock's initial value or a lookup, NAME=(X,Y),(X,Y); may be repeated, wins over "
    "scenarios": (
        "изменить константу, рычаг, начальное значение запаса или таблицу, ИМЯ=(X,Y),(X,Y); можно повторять, сильнее "
        "сценариев"
    ),
    "rk4, rk2, euler or adaptive (that of the model)": "rk4, rk2, euler или adaptive — адаптивный (из модели)",
    "relative error of a step of the adaptive method (1e-8)": (
        "относительная погрешность шага адаптивного метода (1e-8)"
    ),
    "time step (that of the model)": "шаг по времени (из модели)",
    "first time (that of the model)": "начальный момент (из модели)",
    "last time (that of the model)": "конечный момент (из модели)",
    "time between saved rows": "время между сохраняемыми строками",
    "run at half and a quarter of the step too; print the error of every variable (rows go to --out)": (
        "просчитать также с половиной и четвертью шага; показать погрешность каждой переменной (строки — в --out)"
    ),
    "variable": "переменная",
    "dt against dt/2": "dt против dt/2",
    "order": "порядок",
    "estimated error": "оценка погрешности",
    "Error of the time step {dt}, method {method}, relative to the largest value of each variable": (
        "Погрешность шага {dt}, метод {method}, относительно наибольшего значения каждой переменной"
    ),
    "{count} more, none above {most}; --json lists all": "ещё {count}, все не больше {most}; полный список даёт --json",
    "file to write (standard output)": "файл для записи (стандартный вывод)",
    "how the model is computed (auto)": "способ счёта модели (auto)",
    "single is for screening: twice as fast, about six digits (double)": "single — для отбора: вдвое быстрее, около "
    "шести цифр (double)",
    # messages
    "Note: ": "Замечание: ",
    "Written: ": "Записано: ",
    "Next: ": "Далее: ",
    "Interrupted. Nothing half-written was left behind.": "Прервано. Недописанных файлов не осталось.",
    "The program failed unexpectedly: {error}. Please report it with the output of -v.": (
        "Неожиданный сбой программы: {error}. Сообщите о нём, приложив вывод с параметром -v."
    ),
    "The work was stopped by the system: {reason}.": "Работа прервана системой: {reason}.",
    "There is no model or regime `{name}`": "Нет модели или режима `{name}`",
    "A built-in model ({models}), a regime ({regimes}) or the path of a file": (
        "Ожидается встроенная модель ({models}), режим ({regimes}) или путь к файлу"
    ),
    "`{name}` is a regime of the built-in model `alliance`": "`{name}` — режим встроенной модели `alliance`",
    "A scenario file (.toml) that names what this model has": ("Ожидается файл сценария (.toml) с именами этой модели"),
    "`{argument}` is not text in the encoding of this system": "`{argument}` — не текст в кодировке системы",
    "Rename the file, or use a UTF-8 locale": "Переименуйте файл или возьмите локаль с UTF-8",
    "There is no command `{name}`": "Нет команды `{name}`",
    "There is no option `{option}`": "Нет параметра `{option}`",
    "One of {known}": "Ожидается одно из: {known}",
    "Did you mean `{nearest}`?": "Возможно, `{nearest}`?",
    "See `{command} --help`": "См. `{command} --help`",
    "`{argument}` is one argument too many": "`{argument}` — лишний аргумент",
    "a value is missing": "нет значения",
    "`{text}` has a decimal comma; write {point}": "`{text}` записано с десятичной запятой; пишите {point}",
    "`{text}` is not a finite number": "`{text}` — не конечное число",
    "`{text}` is not above 0": "`{text}` не больше 0",
    "`{text}` is not a whole number from {least} on": "`{text}` — не целое число от {least} и выше",
    "`{text}` is not a power of two; take {low} or {high}": "`{text}` — не степень двойки; возьмите {low} или {high}",
    "`{text}` is not one of {choices}": "`{text}` — не одно из: {choices}",
    "`{text}` is not points (X,Y),(X,Y),...": "`{text}` — не точки вида (X,Y),(X,Y),...",
    "`{name}` is a stock: its initial value was set": "`{name}` — запас: задано его начальное значение",
    "`{text}` is not NAME=VALUE": "`{text}` не имеет вида ИМЯ=ЗНАЧЕНИЕ",
    "`{name}` is a lever: `{constant}` was set, which holds from the policy year on": (
        "`{name}` — рычаг: задано `{constant}`, что действует с года начала политики"
    ),
    "`{name}` = {value} lies outside its range, {low} to {high} {unit}": (
        "`{name}` = {value} вне своего диапазона, от {low} до {high} {unit}"
    ),
    # loops, diagrams and the model reference
    "Which feedback loops drive an output of a model, by period.": (
        "Какие контуры обратной связи движут показателем модели, по периодам."
    ),
    "variable to explain, whole or by element (the first stock; of the alliance the innovative goods)": (
        "объясняемая переменная, целиком или поэлементно (первый запас; у альянса — инновационные товары)"
    ),
    "What drives {output}: share of loops in its change, %": (
        "Что движет показателем «{output}»: доля контуров в его изменении, %"
    ),
    "time and what it drives": "время и внешние ряды",
    "constant rates": "постоянные темпы",
    "Loops:": "Контуры:",
    # recovery
    "also fit N data sets simulated from known parameters (150)": (
        "вдобавок подогнать N наборов данных, разыгранных при известных параметрах (150)"
    ),
    "with --recover: sample each posterior too and rank the truth in it": (
        "вместе с --recover: построить и выборки, найти в них ранг истинных значений"
    ),
    # export
    "Write a model as a file for other tools: XMILE, Vensim text or JavaScript.": (
        "Записать модель для других программ: XMILE, текст Vensim или JavaScript."
    ),
    "format of the file (told by the name in --out)": "формат файла (по имени в --out)",
    "The format of the file is not known": "Формат файла неизвестен",
    "A name that ends in {suffixes}, or --format": "Ожидается имя с окончанием {suffixes} или --format",
    # data
    "Show any figure of a problem with its source and how it was made, or verify all of them.": (
        "Показать любое число задачи с источником и способом пересчёта или проверить все числа."
    ),
    "one region: its code, name or experiment": "один регион: код, название или эксперимент",
    "one year": "один год",
    "No such figure was published.": "Такое число не публиковалось.",
    "Compared with the model:": "Сравнивается с моделью:",
    "As published:": "Как опубликовано:",
    "regions: {count}": "регионов: {count}",
    "formula": "формула",
    "made": "получено",
    "status": "статус",
    "vintage": "выпуск",
    "from {origin}": "из {origin}",
    "no card": "карточки нет",
    "Rows of each source against its card:": "Строки каждого источника и его карточка:",
    "Tables made again from the published figures:": "Таблицы, пересчитанные из опубликованных чисел:",
    "Identities:": "Тождества:",
    "Everything holds.": "Всё сходится.",
    "Something does not hold; see the lines above.": "Не всё сходится, см. строки выше.",
    "{count} figures": "чисел: {count}",
    "largest gap {gap} ({where})": "наибольшее расхождение {gap} ({where})",
    "Draw a model: stocks and flows, or feedback loops with their polarity.": (
        "Нарисовать модель: запасы и потоки или контуры обратной связи со знаками."
    ),
    "one module of the model (the whole)": "один модуль модели (вся модель)",
    "what is drawn (stock-flow)": "что рисуется (stock-flow)",
    "file to write: .svg, .png, or .mdl for the model's own text with a sketch for Vensim": (
        "файл: .svg, .png или .mdl — текст самой модели с рисунком для Vensim"
    ),
    "--out names neither a picture nor a model": "Имя в --out — не рисунок и не модель",
    "Let the name end in .svg, .png or .mdl": "Имя должно оканчиваться на .svg, .png или .mdl",
    "a sketch goes into a Vensim text": "рисунок записывается в текст Vensim",
    "The path of a .mdl file": "Ожидается путь к файлу .mdl",
    "Write the reference of a model: every variable, loop, diagram and source, in two languages.": (
        "Справочник модели: все переменные, контуры, схемы и источники, на двух языках."
    ),
    "folder for reference_en and reference_ru, .html and .pdf": "папка для reference_en и reference_ru, .html и .pdf",
    "Numbers without a source: {count}": "Чисел без источника: {count}",
    "No parameters.toml lies beside the model: {count} numbers are shown without a source": (
        "Рядом с моделью нет parameters.toml: чисел, показанных без источника: {count}"
    ),
    # doctor and schema
    "Print the JSON Schema of a scenario, regime, problem or manifest file.": (
        "JSON Schema файла: сценария, режима, задачи или манифеста."
    ),
    "kind of file": "вид файла",
    "Say whether this machine has what is needed: packages, processor, kernels, folders, browser.": (
        "Есть ли на этом компьютере всё нужное: пакеты, процессор, вычислительные ядра, папки, браузер."
    ),
    "Python 3.11 or newer is needed": "Нужен Python 3.11 или новее",
    "not installed, run from its folder": "не установлен, запущен из своей папки",
    "without {names}": "не хватает: {names}",
    "complete": "установлено полностью",
    "not installed": "не установлен",
    "cores": "ядер процессора",
    "processor": "процессор",
    "kernel {title}": "счёт через {title}",
    "{found}, exact {exact}": "{found}, точно {exact}",
    "cache folder": "папка кэша",
    "Set ALLIANCE_DYNAMICS_CACHE to a folder that can be written": (
        "Укажите в ALLIANCE_DYNAMICS_CACHE папку, доступную для записи"
    ),
    "free disk space here": "свободно на диске",
    "A study needs 0.2 GB": "Для расчёта нужно 0,2 ГБ",
    "fonts": "шрифты",
    "browser": "браузер",
    "not found": "не найдено",
    "Any browser opens the reports; only tests need one here": (
        "Отчёты откроет любой браузер; здесь он нужен только тестам"
    ),
    "show figures; verify hashes, tables and identities; or write the rows with which a region joins the model": (
        "показать числа; проверить хеши, таблицы и тождества; или написать строки, с которыми регион входит в модель"
    ),
    "figure to show: an observable or a published indicator (a list of all); for rows the name of the new element": (
        "что показать: наблюдаемая величина или опубликованный показатель (список всех); для rows — имя нового элемента"
    ),
    "`alliance data rows` needs the name of the new element and a region": (
        "`alliance data rows` нужны имя нового элемента и регион"
    ),
    "For instance: alliance data rows Ulyanovsk --region RU-ULY": (
        "Например: alliance data rows Ulyanovsk --region RU-ULY"
    ),
    "the composed model, with elements added: alliance+extended (alliance)": (
        "составная модель, в том числе с добавленными элементами: alliance+extended (alliance)"
    ),
    "file for the rows (standard output)": "файл для строк (стандартный вывод)",
    "double the points until intervals are narrow and the order stays; at most N runs (one size)": (
        "удваивать число точек, пока интервалы не сузятся и порядок не устоится; не более N прогонов (один размер)"
    ),
    "dt = {dt} does not divide {step} years, on which levers in time turn": (
        "dt = {dt} не делит {step} года — шаг, на котором поворачивают рычаги во времени"
    ),
    "go on with an interrupted study; what is finished is not done again": (
        "продолжить прерванное исследование; готовое заново не делается"
    ),
    "Interrupted. What is finished is kept. Go on with: {command}": (
        "Прервано. Готовое сохранено. Продолжить: {command}"
    ),
    "{count} numbers of the results are not finite and stand as null": (
        "чисел среди результатов, которые не конечны и записаны как null: {count}"
    ),
    "run N draws of what is uncertain: of the alliance those of `compare`, else from parameters.toml beside the "
    "model; auto: as the scenario says, or 200": (
        "прогнать N розыгрышей неопределённого: для альянса — те же, что у `compare`, иначе из parameters.toml "
        "рядом с моделью; auto — как в сценарии или 200"
    ),
    "Run a model once and write every variable at every saved time; or many draws with --draws.": (
        "Прогнать модель один раз и записать все переменные во все моменты; с --draws — много розыгрышей."
    ),
    "file to write: .csv, .parquet or .nc; or a folder, with a manifest that `alliance verify` runs again "
    "(standard output)": (
        "файл: .csv, .parquet или .nc; либо папка с manifest.json, по которому `alliance verify` повторит прогон "
        "(стандартный вывод)"
    ),
    "format of the trajectories (told by the name in --out, or csv)": (
        "формат траекторий (по имени в --out, иначе csv)"
    ),
    "seed of all random draws (0, or that of the scenario with --draws)": (
        "начальное число розыгрышей (0; с --draws — из сценария)"
    ),
    "with --draws: times to show, parted by commas (2030,2040,2050 or the last)": (
        "с --draws: какие моменты показать, через запятую (2030,2040,2050 или последний)"
    ),
    "with --draws: a variable to keep, whole or by element; may be repeated (indicators of the alliance; else all)": (
        "с --draws: какую переменную сохранить, целиком или по элементу; можно повторять "
        "(показатели альянса; иначе все)"
    ),
    "with --draws: share of draws that may fail and be left out (0.01)": (
        "с --draws: доля розыгрышей, которым можно не удаться; они исключаются (0.01)"
    ),
    "{format} is not for standard output": ("{format} не для стандартного вывода"),
    "Name a file or a folder with --out": ("Назовите файл или папку в --out"),
    "--out names neither a table nor a folder": ("имя в --out — не таблица и не папка"),
    "Let the name end in .csv, .parquet or .nc, or give no ending": (
        "Дайте имени окончание .csv, .parquet или .nc либо оставьте без окончания"
    ),
    "--out and --format say different things": ("--out и --format противоречат друг другу"),
    "Leave --format out": ("Уберите --format"),
    "An ensemble fills a folder, not a file": ("Ансамбль занимает папку, а не файл"),
    "Give the name in --out no ending": ("Оставьте имя в --out без окончания"),
    "--port goes with --serve only": "--port нужен только с --serve",
    "serve the page to this computer, with the Python engine, until Ctrl-C": (
        "также открыть страницу для этого компьютера, с расчётом на Python, до Ctrl-C"
    ),
    "with --serve: port of 127.0.0.1 (a free one)": "с --serve: порт 127.0.0.1 (любой свободный)",
    "--at and --output go with --draws only": ("--at и --output нужны только с --draws"),
    "`{option}` is for a single run and does not go with --draws": (
        "`{option}` — для одного прогона и с --draws не сочетается"
    ),
    "{failed} of {count} draws failed and are left out (failed.csv)": (
        "не удались и исключены {failed} розыгрышей из {count} (failed.csv)"
    ),
    "The draws are of a quick calibration: small samples, not for decisions": (
        "Розыгрыши — из быстрой калибровки: малые выборки, не для решений"
    ),
    "{year} is not a saved time of the run": ("{year} — не из сохранённых моментов прогона"),
    "The nearest is {near}": ("Ближайший — {near}"),
    "the posterior of the calibration and the ranges of the assumptions": (
        "апостериорное распределение калибровки и диапазоны допущений"
    ),
    "the ranges of {file}": ("диапазоны из {file}"),
    "the noise of the model": ("шум самой модели"),
    "{draws} draws from {source}, constants: {names}, seed {seed} (median, 5 % and 95 %)": (
        "Розыгрышей: {draws}; откуда: {source}; констант: {names}; начальное число {seed} (медиана, 5 % и 95 %)"
    ),
    "{count} more series; --out writes them, --json lists them": (
        "ещё рядов: {count}; --out их запишет, --json перечислит"
    ),
    "`{text}` is not a share from 0 to 1": ("`{text}` — не доля от 0 до 1"),
    "`{text}` is more than {most}": "`{text}` — больше, чем {most}",
    "also add all messages, with the time, to a file": "дописывать все сообщения со временем и в файл",
    "`{name}` is given more than once": "`{name}` задано больше одного раза",
    "replace the results of another command": "заменить результаты другой команды",
    "`{names}` is missing": "не хватает `{names}`",
    "takes no value, but was given {value}": "значения не принимает, но получил {value}",
    "`{argument}` is an empty value": "`{argument}` — пустое значение",
    "Give it one, or leave it out": "Задайте его или уберите",
    "--out goes with `alliance data rows` only": "--out нужен только с `alliance data rows`",
    "ok": "есть",
    "absent": "нет",
    "WRONG": "СБОЙ",
}
